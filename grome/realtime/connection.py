"""A live connection of one device: from its first frame to its close code."""

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from uuid import UUID

import msgspec

from config.sections.messages import LiveSettings
from grome.common.actor import Actor, Role
from grome.common.input_faults import first_fault_of_message
from grome.common.input_shapes import Shape
from grome.infrastructure.figures import count
from grome.infrastructure.websocket.models import Socket
from grome.realtime.close_codes import CloseCode
from grome.realtime.delivery import Delivery
from grome.realtime.encodings import Encoding, encoding_for
from grome.realtime.frames import Bye, ClientFrame, LiveError, PositionPing, Reply, Reset, ServerFrame
from grome.realtime.rooms import wire_name

HELLO_SECONDS: Final = 5.0
# A busy server takes some time to answer a `hello` that has come.
_SIGN_IN_SECONDS: Final = 30.0
# Frames that a client may send: a burst, and a rate that refills it.
_FRAMES_BURST: Final = 60
_FRAMES_PER_S: Final = 20.0
# Frames that wait for the frame before them.
_MAX_WAITING: Final = 64
_MISSED_PINGS: Final = 2

_MAX_REASON_BYTES: Final = 123  # of a close frame (RFC 6455, section 5.5)
_CLIENT_FRAME: Final = Shape.of(ClientFrame)

Handle = Callable[["LiveConnection", ClientFrame], Awaitable[None]]


class _OnlyId(msgspec.Struct):
    """The part of a malformed request that a reply needs."""

    id: int


class Host(Protocol):
    """The process's connections, as one of them sees them."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def settings(self) -> LiveSettings: ...

    @property
    def position(self) -> str:
        """Return the offset up to which all events have been delivered."""

    async def sign_in(self, client: "LiveConnection", actor: Actor) -> bool: ...

    def sign_out(self, client: "LiveConnection", actor: Actor) -> None: ...

    def remove(self, connection: "LiveConnection") -> None: ...


class LiveConnection:
    """Listens to a socket, subscribes to rooms, and is called by the timer wheel.

    A waiting connection holds no task: one is started when a frame arrives, and handles frames in their order until
    none is left. Times are seconds of the event loop's clock.
    """

    __slots__ = (
        "_arrival",
        "_handle",
        "_life_ends",
        "_next_ping",
        "_pings_unanswered",
        "_task",
        "_typing_told",
        "_waiting",
        "actor",
        "connections",
        "encoding",
        "expires_at",
        "is_closing",
        "joining",
        "socket",
    )

    def __init__(self, socket: Socket, connections: Host, handle: Handle) -> None:
        self.socket, self.connections, self._handle = socket, connections, handle
        self.encoding: Encoding = encoding_for(socket.subprotocol)
        self.actor: Actor | None = None
        self.is_closing = False
        # The number of subscriptions under way. Meanwhile no position is sent, since their events may lie before it.
        self.joining = 0
        # When `typing` of a booking was passed on last.
        self._typing_told: dict[UUID, float] | None = None
        self._waiting: deque[ClientFrame] | None = None
        self._task: asyncio.Task[None] | None = None
        self._pings_unanswered = 0
        now = connections.loop.time()
        self._arrival = now
        self.expires_at = self._next_ping = now + HELLO_SECONDS
        self._life_ends = now + connections.settings.life_s * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads load

    # ---- the hub's subscriber

    @property
    def account_id(self) -> UUID:
        return self.signed_in_actor.id

    @property
    def is_admin(self) -> bool:
        return self.signed_in_actor.role is Role.ADMIN

    @property
    def signed_in_actor(self) -> Actor:
        """Return the actor. Raises RuntimeError before the sign-in."""
        if self.actor is None:
            raise RuntimeError("the connection has not signed in")
        return self.actor

    def deliver(self, delivery: Delivery) -> None:
        if not self.is_closing:
            self.socket.write(delivery.msgpack_frame if self.encoding.is_binary else delivery.json_frame)
            self._cut_if_slow()

    def reset(self, room: str, epoch: str, offset: str) -> None:
        self.send(Reset(wire_name(room, self.account_id), epoch, offset))

    # ---- the socket's listener

    def message_received(self, message: str | bytes) -> None:
        self._pings_unanswered = 0
        if self.is_closing:
            return
        if not self._is_within_rate():
            self.close(CloseCode.RATE, f"More than {_FRAMES_PER_S:.0f} frames a second.")
            return
        try:
            frame = self.encoding.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._refuse_malformed(message)
            return
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) == _MAX_WAITING:
            self.close(CloseCode.RATE, f"More than {_MAX_WAITING} frames wait for their answers.")
            return
        self._waiting.append(frame)
        if self.actor is None:
            self.expires_at = self.connections.loop.time() + _SIGN_IN_SECONDS
        if self._task is None:
            self._task = self.connections.loop.create_task(self._handle_waiting())

    def pong_received(self) -> None:
        self._pings_unanswered = 0

    def closed(self, _code: int) -> None:
        self.is_closing = True
        if self._task:
            self._task.cancel()
        self.connections.remove(self)

    # ---- the timer wheel

    def on_due(self, now: float) -> float | None:
        """Send the heartbeat, or end the connection, if either is due; return the next time to look."""
        if self.is_closing:
            return None
        if now >= self.expires_at:
            self._end_expired()
            return None
        if now >= self._life_ends:
            self.close(CloseCode.LIFE_LIMIT, "The connection has lasted long enough; open another.", self._spread_ms())
            return None
        if now >= self._next_ping:
            if self._pings_unanswered == _MISSED_PINGS:
                self.close(CloseCode.NO_HEARTBEAT, "No sign of life came.")
                return None
            self._ping()
            self._next_ping = now + self.connections.settings.heartbeat_s
        return self.first_due

    @property
    def first_due(self) -> float:
        return min(self.expires_at, self._life_ends, self._next_ping)

    def _end_expired(self) -> None:
        if self.actor is None:
            self.close(CloseCode.UNAUTHENTICATED, f"No `hello` came within {HELLO_SECONDS:.0f} seconds.")
        else:
            self.close(CloseCode.TOKEN_EXPIRED, "The access token has expired; reconnect with a new one.")

    def _ping(self) -> None:
        self._pings_unanswered += 1
        if not self.joining:
            self.send(PositionPing(self.connections.position))
        self.socket.ping()

    # ---- what the requests use

    def signed_in(self, actor: Actor, lasts_s: float) -> None:
        """Take the actor, until the access token expires; the first heartbeat comes at a random time."""
        self.actor = actor
        now, heartbeat_s = self.connections.loop.time(), self.connections.settings.heartbeat_s
        self.expires_at = now + lasts_s
        self._next_ping = now + heartbeat_s * random.random()  # noqa: S311 -- spreads load

    def prolong(self, lasts_s: float) -> None:
        self.expires_at = self.connections.loop.time() + lasts_s

    def send(self, frame: ServerFrame) -> None:
        if not self.is_closing:
            self.socket.write(self.encoding.frame(frame))
            self._cut_if_slow()

    def reply(self, request_id: int | None, ok: object) -> None:
        if request_id is not None:
            self.send(Reply(request_id, ok=ok))

    def refuse(self, request_id: int | None, error: LiveError) -> None:
        if request_id is not None:
            self.send(Reply(request_id, error=error))

    def may_tell_typing(self, booking_id: UUID, every_s: float, at_most: int) -> bool:
        """Return whether `typing` of the booking was passed on long enough ago, and count it as passed on now.

        Only so many bookings are remembered.
        """
        now, told = self.connections.loop.time(), self._typing_told or {}
        if now - told.get(booking_id, -math.inf) < every_s:
            return False
        told.pop(booking_id, None)
        if len(told) == at_most:
            del told[next(iter(told))]
        self._typing_told = {**told, booking_id: now}
        return True

    def close(self, code: CloseCode, reason: str, retry_ms: int = 0) -> None:
        """Send `bye` and the close frame; nothing is sent or handled afterwards."""
        if not self.is_closing:
            self.send(Bye(code, reason, retry_ms))
            self.is_closing = True
            count("live_closed", code.label)
            self.socket.close(code, reason)

    # ---- inside

    def _cut_if_slow(self) -> None:
        if self.socket.buffered() > self.connections.settings.max_buffer_bytes and not self.is_closing:
            self.is_closing = True  # a `bye` would only wait behind all the rest
            count("live_closed", CloseCode.SLOW.label)
            self.socket.close(CloseCode.SLOW, "Too many bytes wait to be read; resume from the last position.")

    def _is_within_rate(self) -> bool:
        """Return whether the frame fits the rate: the generic cell rate algorithm, with one stored time."""
        now = self.connections.loop.time()
        self._arrival = max(self._arrival, now) + 1 / _FRAMES_PER_S
        return self._arrival - now <= _FRAMES_BURST / _FRAMES_PER_S

    def _refuse_malformed(self, message: str | bytes) -> None:
        """Answer a request with wrong fields, and close the connection after a message that is no request."""
        try:
            fault = first_fault_of_message(self.encoding.convert(message, object), _CLIENT_FRAME)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.close(CloseCode.BAD_MESSAGE, "The message cannot be read in this subprotocol.")
            return
        try:
            request_id = self.encoding.convert(message, _OnlyId).id
        except msgspec.ValidationError:
            reason = f"The message is not a frame: {fault}".encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
            self.close(CloseCode.BAD_MESSAGE, reason)
        else:
            self.refuse(request_id, LiveError("invalid", fault))

    async def _handle_waiting(self) -> None:
        while self._waiting and not self.is_closing:
            await self._handle(self, self._waiting.popleft())
        self._task = self._waiting = None

    def _spread_ms(self) -> int:
        return math.ceil(random.uniform(0, 2_000))  # noqa: S311 -- spreads load
