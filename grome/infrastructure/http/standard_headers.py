"""Headers of every response: security headers, and the state of the client's rate limit.

`StrictHttp` adds them to responses of all kinds, and the fast path to its own.
"""

from typing import Final

from sanic import Request
from sanic.response import BaseHTTPResponse

from config.sections.servers import HttpSettings
from grome.infrastructure.http.cors import remember_vary
from grome.infrastructure.http.prebuilt import HeaderLines, PrebuiltResponse
from grome.infrastructure.rate_limits.models import Quota, Verdict

_YEAR_S: Final = 365 * 86_400
# An answer that a browser shows as a page although it is none runs nothing and loads nothing. Pages have their own.
_POLICY: Final = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def security_headers(settings: HttpSettings) -> HeaderLines:
    """Return the headers that a response has unless its route sets other ones."""
    lines: HeaderLines = (
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Referrer-Policy", b"no-referrer"),
        (b"Content-Security-Policy", _POLICY),
    )
    if settings.public_url.startswith("https://"):
        # Browsers ignore it over HTTP (RFC 6797, section 8.1); a public address in HTTP is a trial.
        lines = (*lines, (b"Strict-Transport-Security", b"max-age=%d; includeSubDomains" % _YEAR_S))
    return lines


def rate_limit_headers(quota: Quota, ahead_s: float) -> HeaderLines:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-10."""
    return (b"RateLimit-Policy", quota.policy), (b"RateLimit", quota.state(ahead_s))


def complete_headers(request: Request, response: BaseHTTPResponse) -> None:
    lines: HeaderLines = request.app.config.get("SECURITY_HEADERS", ())
    verdict: Verdict | None = getattr(request.ctx, "verdict", None)
    if verdict:
        lines += rate_limit_headers(verdict.quota, verdict.ahead_s)
    remember_vary(request, response)
    if isinstance(response, PrebuiltResponse):
        response.lines += lines
        return
    for name, value in lines:
        response.headers.setdefault(name.decode(), value.decode())
