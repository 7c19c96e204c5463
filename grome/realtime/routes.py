"""Routes of live connections: sockets, event streams, and tickets that sign them in."""

from typing import Final, cast

from sanic import HTTPResponse, Request
from sanic.http import Http
from sanic.response import BaseHTTPResponse
from sanic.server.protocols.base_protocol import SanicProtocol

from grome.accounts.verifier import Verifier
from grome.common.actor import ANYONE, SIGNED_IN, Actor
from grome.common.errors import Unavailable, UpgradeRequired
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import EVENT_STREAM
from grome.infrastructure.websocket.models import Socket, SocketListener
from grome.infrastructure.websocket.upgrade import upgrade
from grome.realtime.close_codes import CloseCode
from grome.realtime.connections import LiveConnections
from grome.realtime.errors import TooManyConnections
from grome.realtime.frames import JSON, MSGPACK
from grome.realtime.origins import AllowedOrigins
from grome.realtime.schemas import EventsQuery, TicketOut
from grome.realtime.sign_in import LiveSignIn
from grome.realtime.sse import EventStreams, Send
from grome.realtime.tickets import TICKET_SECONDS, Tickets

# Some proxies buffer a response until it ends unless they are told not to.
_STREAM_HEADERS: Final = {"Cache-Control": NO_STORE, "X-Accel-Buffering": "no"}

live = Routes(
    "live",
    "/v1",
    about="Changes as they happen, by WebSocket or server-sent events; `/asyncapi.json` describes the frames.",
    is_long_lived=True,
)


@live.get("/live", who=ANYONE, answers={101: None}, refusals=(UpgradeRequired, Unavailable))
async def open_live_connection(request: Request) -> BaseHTTPResponse:
    """Open a WebSocket for changes, chat and positions.

    `/asyncapi.json` describes its frames, and docs/realtime.md their order. The first frame signs in. The subprotocols
    are `grome.json`, the default, and `grome.msgpack`. 426 means that the request asks for no WebSocket.
    """
    connections = resolve(request, LiveConnections)
    if connections.is_full:
        raise Unavailable
    is_allowed = resolve(request, AllowedOrigins).allows(request.headers.get("origin"), request.headers.get("host"))

    def admit(socket: Socket) -> SocketListener:
        connection = connections.admit(socket)
        if not is_allowed:
            connection.close(CloseCode.ORIGIN, "Pages of this origin may not open live connections.")
        return connection

    return upgrade(request, admit, [JSON, MSGPACK])


@live.post("/live/ticket", who=SIGNED_IN, status=201)
async def create_live_ticket(request: Request, actor: Actor) -> TicketOut:
    """Create a ticket that signs in one live connection.

    It is for clients that cannot send an access token, such as browsers. It works once, within 30 seconds. The
    connection ends with the access token that created the ticket.
    """
    _, expires_at = await resolve(request, Verifier).sign_in(_token_of(request))
    return TicketOut(await resolve(request, Tickets).issue(actor, expires_at), TICKET_SECONDS)


def brings_ticket(request: Request) -> bool:
    """Return whether a ticket takes the place of the access token."""
    return bool(request.args.get("ticket"))


@live.get("/events", who=SIGNED_IN, also=brings_ticket, answers={200: EVENT_STREAM}, refusals=(TooManyConnections,))
async def stream_events(request: Request, query: EventsQuery) -> BaseHTTPResponse:
    """Stream the events of rooms as server-sent events.

    This is for clients that cannot open a WebSocket. It needs an access token, or a ticket in the query. Each message
    is a frame as `/asyncapi.json` describes. A client that returns the last id as `Last-Event-ID` gets the missed
    events first.
    """
    streams = resolve(request, EventStreams)
    if streams.is_full:
        raise Unavailable
    token = None if query.ticket else _token_of(request)
    signed_in = await resolve(request, LiveSignIn).redeem(token, query.ticket)
    response = HTTPResponse(content_type=EVENT_STREAM, headers={**_STREAM_HEADERS, "X-Request-ID": request_id(request)})
    if request.method == "HEAD":
        return response

    async def start() -> Send:
        await request.respond(response)
        return response.send

    last_event_id = request.headers.get("last-event-id") or query.last_event_id
    await streams.serve(signed_in, query.rooms, last_event_id, start, cast("SanicProtocol", request.protocol).abort)
    # A client that comes back on this connection meets this process again, which may be stopping and would refuse it. A
    # browser's EventSource gives up after a refusal.
    cast("Http", request.stream).keep_alive = False
    await response.send(end_stream=True)
    return response


def _token_of(request: Request) -> str:
    """Return the access token, which was verified already."""
    header: str = request.headers["authorization"]
    return header.partition(" ")[2].strip()
