"""Route of live connections."""

from urllib.parse import urlsplit

from sanic import Request
from sanic.response import BaseHTTPResponse

from config.settings import Settings
from grome.common.actor import ANYONE
from grome.common.errors import Unavailable
from grome.infrastructure.http import Routes
from grome.infrastructure.http.injection import container_of, resolve
from grome.infrastructure.websocket.models import Socket, SocketListener
from grome.infrastructure.websocket.upgrade import upgrade
from grome.realtime.close_codes import CloseCode
from grome.realtime.connections import LiveConnections
from grome.realtime.errors import UpgradeRequired
from grome.realtime.frames import JSON, MSGPACK

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
    is_allowed = is_allowed_origin(request, container_of(request).settings)

    def admit(socket: Socket) -> SocketListener:
        connection = connections.admit(socket)
        if not is_allowed:
            connection.close(CloseCode.ORIGIN, "Pages of this origin may not open live connections.")
        return connection

    return upgrade(request, admit, [JSON, MSGPACK])


def is_allowed_origin(request: Request, settings: Settings) -> bool:
    """Return whether the page that sent the request may open a live connection.

    Only browsers send an Origin, and they let any page open a WebSocket to any host. A page of the host that serves the
    API is always allowed.
    """
    origin = request.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == request.headers.get("host"):
        return True
    listed = settings.live.origins.split(",") if settings.live.origins else []
    return origin in {settings.http.api_base, settings.http.app_base, *(item.strip() for item in listed)}
