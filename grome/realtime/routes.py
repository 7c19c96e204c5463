"""Route of live connections."""

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ANYONE
from grome.common.errors import Unavailable
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.websocket.models import Socket, SocketListener
from grome.infrastructure.websocket.upgrade import upgrade
from grome.realtime.close_codes import CloseCode
from grome.realtime.connections import LiveConnections
from grome.realtime.errors import UpgradeRequired
from grome.realtime.frames import JSON, MSGPACK
from grome.realtime.origins import AllowedOrigins

live = Routes("live", "/v1")


@live.get("/live", who=ANYONE, answers={101: None}, refusals=(UpgradeRequired, Unavailable))
async def open_live_connection(request: Request) -> BaseHTTPResponse:
    """Open a WebSocket for changes, chat and positions, as docs/realtime.md describes.

    The first frame signs in. The subprotocols are `grome.json`, the default, and `grome.msgpack`.
    """
    connections = resolve(request, LiveConnections)
    if request.headers.get("upgrade", "").lower() != "websocket":
        raise UpgradeRequired
    if connections.is_full:
        raise Unavailable
    is_allowed = resolve(request, AllowedOrigins).allows(request.headers.get("origin"), request.headers.get("host"))

    def admit(socket: Socket) -> SocketListener:
        connection = connections.admit(socket)
        if not is_allowed:
            connection.close(CloseCode.ORIGIN, "Pages of this origin may not open live connections.")
        return connection

    return upgrade(request, admit, [JSON, MSGPACK])
