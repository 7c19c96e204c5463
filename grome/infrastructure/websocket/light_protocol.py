"""A WebSocket without a task, a timer or a queue of its own: an asyncio.Protocol that takes over from Sanic's.

`ServerProtocol` of the library `websockets` reads the frames, without I/O of its own
(docs/decisions/0017-light-websockets.md).
"""

import asyncio
import codecs
import socket
from contextvars import Context
from typing import Final, cast

from loguru import logger
from sanic.exceptions import RequestCancelled
from sanic.server.protocols.http_protocol import HttpProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from grome.infrastructure.http.stopping import is_replaced
from grome.infrastructure.websocket.closing import CLOSE_SECONDS, GOING_AWAY, INTERNAL_ERROR, INVALID_DATA, first_code
from grome.infrastructure.websocket.framing import PING_FRAME
from grome.infrastructure.websocket.models import ListenerFactory, SocketListener

# Between the slices of a large packet, a listener can close the connection and so end the delivery of messages.
_SLICE_BYTES: Final = 4_096
_SEND_BUFFER_BYTES: Final = 65_536
_TextDecoder: Final = codecs.getincrementaldecoder("utf-8")


class LightSocket(asyncio.Protocol):
    """The Socket of a connection, and the protocol of its transport from the handshake on.

    Sanic holds it in its set of connections, and calls `close_if_idle` and `abort` when it stops.
    """

    __slots__ = (
        "_app",
        "_connections",
        "_delivers",
        "_is_open",
        "_listener",
        "_loop",
        "_partial",
        "_protocol",
        "_timer",
        "_transport",
    )

    def __init__(self, connection: HttpProtocol, protocol: ServerProtocol) -> None:
        self._transport = cast("asyncio.Transport", connection.transport)
        self._loop: asyncio.AbstractEventLoop = connection.loop
        self._connections: set[object] = connection.connections
        self._app = connection.app
        self._protocol = protocol
        self._is_open = True  # no close frame was sent
        self._delivers = True  # the listener gets messages
        self._listener: SocketListener | None = None
        self._partial: _PartialMessage | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def subprotocol(self) -> str | None:
        return self._protocol.subprotocol

    def write(self, frame: bytes) -> None:
        if self._is_open:
            self._transport.write(frame)

    def ping(self) -> None:
        self.write(PING_FRAME)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str = "") -> None:
        self._delivers = False
        if self._is_open:
            self._protocol.send_close(code, reason)
            self._send_pending()
            self._limit_closing()

    def abort(self) -> None:
        self._is_open = self._delivers = False
        self._transport.abort()

    def close_if_idle(self) -> bool:
        """Ask the client to close its side; called by Sanic when it stops, while the event loop stands still.

        Clients of a replaced process are still being moved away.
        """
        if not is_replaced(self._app):
            self.close(GOING_AWAY)
        return False

    def start(self, listener_factory: ListenerFactory, received: bytes) -> None:
        """Make the listener, and read the bytes that came together with the request.

        The factory runs in an empty context: its timers and tasks would keep the request in memory.
        """
        try:
            self._listener = Context().run(listener_factory, self)
        except Exception:  # noqa: BLE001 -- the response is sent already
            logger.exception("A live connection has got no listener")
            self.close(INTERNAL_ERROR)
        if received:
            self.data_received(received)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE_BYTES):
            delivers = self._delivers
            self._protocol.receive_data(data[start : start + _SLICE_BYTES])
            self._send_pending()
            for frame in cast("list[Frame]", self._protocol.events_received()):
                if delivers and self._delivers:
                    self._deliver(frame)

    def eof_received(self) -> None:
        """Let the transport close itself: a client that sends no more has left (RFC 6455, section 7.1.7)."""
        self._is_open = False
        self._limit_closing()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 -- the signature is asyncio's
        self._is_open = self._delivers = False
        self._connections.discard(self)
        if self._timer:
            self._timer.cancel()
        # The parser and the listener refer back to this object; garbage collection would find them late.
        self._protocol.parser.close()
        listener, self._listener = self._listener, None
        if listener:
            try:
                listener.closed(first_code(self._protocol))
            except Exception:  # noqa: BLE001 -- a fault of the listener must not reach the event loop
                logger.exception("The listener of a live connection failed at its end")

    def pause_writing(self) -> None:
        """Stop reading from a client that does not take its answers, pongs among them."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _send_pending(self) -> None:
        """Send the frames that the protocol has produced: pongs and close frames."""
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._end_sending()
        self._is_open = self._is_open and self._protocol.state is State.OPEN

    def _end_sending(self) -> None:
        """Close our side only: closing while the client still sends could destroy the close frame on its way."""
        self._limit_closing()
        if not self._transport.is_closing():
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()

    def _limit_closing(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _deliver(self, frame: Frame) -> None:
        listener = self._listener
        if listener is None or frame.opcode in (Opcode.PING, Opcode.CLOSE):
            return
        try:
            message = None if frame.opcode is Opcode.PONG else self._read(frame)
        except UnicodeDecodeError:
            self._delivers = False
            self._protocol.fail(INVALID_DATA, "The text is not UTF-8")
            self._send_pending()
            return
        try:
            if frame.opcode is Opcode.PONG:
                listener.pong_received()
            elif message is not None:
                listener.message_received(message)
        except Exception:  # noqa: BLE001 -- a fault of the listener must not reach the event loop
            logger.exception("The listener of a live connection failed")
            self.close(INTERNAL_ERROR)

    def _read(self, frame: Frame) -> str | bytes | None:
        """Return the message that the frame completes, if it does. Raises UnicodeDecodeError."""
        if frame.fin and frame.opcode is Opcode.TEXT:
            return str(frame.data, "utf-8")
        if frame.fin and frame.opcode is Opcode.BINARY:
            return bytes(frame.data)
        partial = self._partial = self._partial or _PartialMessage(is_text=frame.opcode is Opcode.TEXT)
        partial.add(frame)
        if not frame.fin:
            return None
        self._partial = None
        return partial.join()


class _PartialMessage:
    """A message in fragments. Its size is bounded by `ServerProtocol`, its text is checked fragment by fragment."""

    __slots__ = ("_data", "_decoder")

    def __init__(self, *, is_text: bool) -> None:
        self._data = bytearray()
        self._decoder = _TextDecoder() if is_text else None

    def add(self, frame: Frame) -> None:
        if self._decoder:
            self._decoder.decode(bytes(frame.data), frame.fin)
        self._data += frame.data

    def join(self) -> str | bytes:
        return self._data.decode() if self._decoder else bytes(self._data)


def switch_to_light(
    connection: HttpProtocol, head: bytes, protocol: ServerProtocol, listener_factory: ListenerFactory
) -> None:
    """Send the head of the response, and let a LightSocket take the place of Sanic's protocol object.

    Sanic's object has no transport from then on, so that the end of its task closes nothing and it can be freed.
    """
    transport = cast("asyncio.Transport", connection.transport)
    if transport.is_closing():
        raise RequestCancelled
    light = LightSocket(connection, protocol)
    received, connection.recv_buffer = bytes(connection.recv_buffer), bytearray()
    transport.write(head)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    transport.set_protocol(light)
    connection.connections.discard(connection)
    connection.connections.add(light)
    connection.transport = None
    light.start(listener_factory, received)
    if not transport.is_closing():
        transport.resume_reading()  # Sanic stops it while its buffer is full
