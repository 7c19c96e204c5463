"""Send one request to a receiver, within bounds of time, size and address."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import httpcore
import httpx
from msgspec import Struct

from config.sections.messages import WebhookSettings
from grome.webhooks.errors import AddressError, UrlError
from grome.webhooks.ssrf_guard import GuardedBackend, Resolver, is_public, parse_url

_MAX_READ_BYTES: Final = 4_096
_MAX_ANSWER_CHARS: Final = 1_000
_MAX_ERROR_CHARS: Final = 300
_CONNECT_TIMEOUT_S: Final = 5.0


class Outcome(Struct, frozen=True, kw_only=True):
    """Holds the outcome of a request. `status` is None if no whole response came; `error` then has the reason.

    `retry_after` is the header as received.
    """

    status: int | None = None
    answer: str = ""
    retry_after: str = ""
    error: str | None = None


class WebhookSender:
    """Sends by HTTP/1.1 over a new connection for each request. It follows no redirects and uses no proxy.

    `trust` replaces the certificate authorities that check receivers.
    """

    def __init__(self, settings: WebhookSettings, resolve: Resolver, trust: ssl.SSLContext | None = None) -> None:
        self._settings, self._resolve, self._trust = settings, resolve, trust

    @cached_property
    def _connections(self) -> httpcore.AsyncConnectionPool:
        """Return the pool, created at its first use.

        Loading the authorities takes a while, and the API sends nothing.
        """
        allowed = (lambda _: True) if self._settings.private_addresses else is_public
        return httpcore.AsyncConnectionPool(
            ssl_context=self._trust or httpx.create_ssl_context(trust_env=False),
            max_connections=None,  # a limit would let an eleventh request wait for hanging receivers
            max_keepalive_connections=0,
            network_backend=GuardedBackend(self._resolve, allowed),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        try:
            target = parse_url(url, private=self._settings.private_addresses)
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._exchange(target, headers, body)
        except TimeoutError:
            return Outcome(error=f"No whole answer within {self._settings.timeout_s:g} s.")
        except UrlError as error:
            return Outcome(error=f"The URL {error}.")
        except AddressError as error:
            return Outcome(error=str(error))
        # OSError: errors that the TLS layer finds after the handshake.
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            return Outcome(error=f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS])

    async def _exchange(self, target: httpx.URL, headers: Mapping[str, str], body: bytes) -> Outcome:
        url = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        sent = {"Host": target.netloc.decode(), "Accept-Encoding": "identity", **headers}
        limits = {"timeout": {"connect": min(_CONNECT_TIMEOUT_S, self._settings.timeout_s)}}
        async with self._connections.stream(
            "POST", url, headers=list(sent.items()), content=body, extensions=limits
        ) as response:
            beginning = b""
            async for part in response.aiter_stream():
                beginning += part
                if len(beginning) >= _MAX_READ_BYTES:
                    break  # the connection is closed without reading the rest
        known = httpx.Headers(response.headers)
        return Outcome(
            status=response.status,
            answer=beginning[:_MAX_READ_BYTES].decode(errors="replace")[:_MAX_ANSWER_CHARS],
            retry_after=known.get("retry-after", ""),
        )

    async def close(self) -> None:
        if "_connections" in vars(self):
            await self._connections.aclose()
