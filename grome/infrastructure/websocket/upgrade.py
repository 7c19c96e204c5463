"""Answer a GET request by an upgrade to a WebSocket (RFC 6455, section 4.2)."""

import logging
from collections.abc import Sequence
from typing import Any, Final, cast

from sanic import Request
from sanic.http import Http
from sanic.response import BaseHTTPResponse
from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from grome.common.errors import ApiError, BadRequest, MethodNotAllowed, UpgradeRequired, VersionNotSupported
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.websocket.light_protocol import switch_to_light
from grome.infrastructure.websocket.models import ListenerFactory
from grome.infrastructure.websocket.sanic_protocol import SanicSocketProtocol, serve_by_sanic

_SWITCHING: Final = 101
# A line for each connection would say nothing new.
_LOGGER: Final = logging.getLogger("websockets.server")


def upgrade(request: Request, listener_factory: ListenerFactory, subprotocols: Sequence[str] = ()) -> BaseHTTPResponse:
    """Return the response that opens the connection once Sanic sends it; a route handler returns it unchanged.

    `listener_factory` is called after the handshake, and may write at once. `subprotocols` are in order of preference;
    a client that names none gets none, and a client that names only others is refused. Raises an ApiError if the
    request is no WebSocket handshake.
    """
    offered = "sec-websocket-protocol" in request.headers
    protocol = ServerProtocol(
        subprotocols=cast("Sequence[Subprotocol]", subprotocols) if offered else None,
        state=State.OPEN,
        max_size=request.app.config.WEBSOCKET_MAX_SIZE,
        logger=_LOGGER,
    )
    headers = Headers(request.headers.items())
    # A HEAD request has the answer of GET, except that it cannot open a connection.
    method = "GET" if request.method == "HEAD" else request.method
    accepted = protocol.accept(Handshake(request.path, headers, method, f"HTTP/{request.version}"))
    if accepted.status_code != _SWITCHING:
        raise _refusal(accepted.status_code, str(protocol.handshake_exc))
    if request.method == "HEAD":
        raise MethodNotAllowed(headers={"Allow": "GET"})
    accepted.headers["X-Request-ID"] = request_id(request)
    return _Upgrade(request, protocol, accepted.serialize(), listener_factory)


def _refusal(status: int, reason: str) -> ApiError:
    detail = f"This is no WebSocket handshake: {reason}."
    match status:
        case 405:
            return MethodNotAllowed(headers={"Allow": "GET"})
        case 426:
            return UpgradeRequired(detail)
        case 505:
            return VersionNotSupported()
        case _:
            return BadRequest(status, detail)


class _Upgrade(BaseHTTPResponse):
    """Sends itself past the code of Sanic that frames responses."""

    __slots__ = ("_head", "_listener_factory", "_protocol", "_request")

    def __init__(
        self, request: Request, protocol: ServerProtocol, head: bytes, listener_factory: ListenerFactory
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.status = _SWITCHING
        self._request, self._protocol, self._head, self._listener_factory = request, protocol, head, listener_factory

    async def send(self, data: Any = None, end_stream: bool | None = None) -> None:  # noqa: ANN401, ARG002, FBT001 -- Sanic's signature
        stream = cast("Http", self.stream)
        # Sanic then expects no other response and ends its timeouts, and the stream does not refer to itself.
        stream.upgrade_websocket, stream.response_func = True, None  # type: ignore[assignment]
        if isinstance(stream.protocol, SanicSocketProtocol):
            await serve_by_sanic(stream.protocol, self._request, self._protocol.subprotocol, self._listener_factory)
        else:
            switch_to_light(stream.protocol, self._head, self._protocol, self._listener_factory)
