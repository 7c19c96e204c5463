"""Socket and SocketListener over Sanic's own WebSockets, for GROME_LIVE_LIGHT_SOCKETS=false."""

import asyncio
from asyncio import CancelledError

from loguru import logger
from sanic import Request
from sanic.exceptions import WebsocketClosed
from sanic.server.protocols.websocket_protocol import WebSocketProtocol
from sanic.server.websockets.frame import WebsocketFrameAssembler
from sanic.server.websockets.impl import WebsocketImplProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.protocol import State

from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.infrastructure.websocket.closing import CLOSE_SECONDS, INTERNAL_ERROR, INVALID_DATA, first_code
from grome.infrastructure.websocket.models import ListenerFactory, SocketListener


class SanicSocketProtocol(WebSocketProtocol, StrictHttpProtocol):
    __slots__ = ()


class SanicSocket:
    """The Socket of a connection that Sanic reads."""

    def __init__(self, connection: SanicSocketProtocol, websocket: WebsocketImplProtocol) -> None:
        self._connection, self._websocket, self._protocol = connection, websocket, websocket.ws_proto
        self._listener: SocketListener | None = None
        self._delivers = True
        self._pings: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def subprotocol(self) -> str | None:
        return self._protocol.subprotocol

    def write(self, frame: bytes) -> None:
        if self._connection.transport and self._protocol.state is State.OPEN:
            self._connection.transport.write(frame)

    def ping(self) -> None:
        task = asyncio.get_running_loop().create_task(self._ping())
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)

    def buffered(self) -> int:
        transport = self._connection.transport
        return transport.get_write_buffer_size() if transport else 0

    def close(self, code: int, reason: str = "") -> None:
        self._delivers = False
        if self._connection.transport and self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            for data in self._protocol.data_to_send():
                self._connection.transport.write(data)
            self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def abort(self) -> None:
        self._delivers = False
        self._connection.abort()  # type: ignore[no-untyped-call]

    async def serve(self, listener_factory: ListenerFactory) -> None:
        """Read messages until the connection ends."""
        try:
            self._listener = listener_factory(self)
            while True:
                message = await self._websocket.recv()
                if self._delivers and message is not None:
                    self._listener.message_received(message)
        except (CancelledError, ConnectionClosed, WebsocketClosed):
            pass  # Sanic cancels the task of a lost connection
        except Exception:  # noqa: BLE001 -- the fault of one listener must not reach Sanic, which would send a response
            logger.exception("The listener of a live connection failed")
            self.close(INTERNAL_ERROR)
        self._end()

    def _end(self) -> None:
        self._delivers = False
        if self._timer:
            self._timer.cancel()
        for ping in self._pings:
            ping.cancel()
        if self._listener:
            try:
                self._listener.closed(first_code(self._protocol))
            except Exception:  # noqa: BLE001 -- as above
                logger.exception("The listener of a live connection failed at its end")

    async def _ping(self) -> None:
        try:
            pong = await self._websocket.ping()
            await pong
        except (CancelledError, ConnectionClosed, WebsocketClosed):
            return
        if self._listener and self._delivers:
            self._listener.pong_received()


class _StrictAssembler(WebsocketFrameAssembler):
    """Closes the connection on text that is not UTF-8, where Sanic's own loses the exception in a task."""

    has_failed = False

    async def put(self, frame: Frame) -> None:
        if self.has_failed:
            return
        try:
            await super().put(frame)
        except UnicodeDecodeError:
            self.has_failed = True
            self.protocol.fail_connection(INVALID_DATA, "The text is not UTF-8")


async def serve_by_sanic(
    connection: SanicSocketProtocol, request: Request, subprotocol: str | None, listener_factory: ListenerFactory
) -> None:
    """Send the response and serve the connection to its end, in the task that handles the request."""
    connection.websocket_max_size = request.app.config.WEBSOCKET_MAX_SIZE
    connection.websocket_ping_interval = None  # listeners send their own
    websocket = await connection.websocket_handshake(request, [subprotocol] if subprotocol else None)
    websocket.assembler = _StrictAssembler(websocket)
    received = bytes(connection.recv_buffer)
    connection.recv_buffer.clear()
    if received:
        websocket.data_received(received)
    await SanicSocket(connection, websocket).serve(listener_factory)
