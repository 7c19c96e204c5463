"""Answer a GET request by an upgrade to a WebSocket (RFC 6455, section 4.2)."""

from collections.abc import Sequence

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.infrastructure.websocket.models import ListenerFactory


def upgrade(request: Request, listener_factory: ListenerFactory, subprotocols: Sequence[str] = ()) -> BaseHTTPResponse:
    """Return the response that opens the connection once Sanic sends it; a route handler returns it unchanged.

    `listener_factory` is called after the handshake, and may write at once. `subprotocols` are in order of preference;
    a client that names none gets none, and a client that names only others is refused. Raises an ApiError if the
    request is no WebSocket handshake.
    """
    raise NotImplementedError
