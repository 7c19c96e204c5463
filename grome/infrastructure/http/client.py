"""Read the address of the client and the description of its program from a request."""

from sanic import Request

from grome.infrastructure.http.proxies import TrustedProxies

LONGEST_AGENT = 300


def user_agent(request: Request) -> str | None:
    """Cut to 300 characters. Bytes that are not UTF-8 are replaced: neither BSON nor JSON could carry them."""
    sent: str = request.headers.get("user-agent", "")[:LONGEST_AGENT]
    # Sanic decodes headers with surrogates in the place of such bytes.
    return sent.encode(errors="surrogateescape").decode(errors="replace") or None


def client_address(request: Request) -> str:
    """Return the IP address of the client, as far as trusted proxies tell it."""
    proxies: TrustedProxies = request.app.ctx.proxies
    if not proxies.exist:
        return request.ip
    return proxies.client_of(request.ip, ",".join(request.headers.getall(proxies.header, ())))
