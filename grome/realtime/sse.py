"""Server-sent events: the live rooms over plain HTTP, for clients that cannot open a WebSocket."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from grome.common.actor import Actor, Role
from grome.common.errors import Invalid
from grome.infrastructure.figures import count
from grome.realtime.close_codes import CloseCode
from grome.realtime.connections import LiveConnections
from grome.realtime.delivery import Delivery
from grome.realtime.errors import TooManyConnections
from grome.realtime.frames import Bye, Joins, Reply, Reset, RoomPosition, ServerFrame
from grome.realtime.hub import Hub
from grome.realtime.rooms import parse_room, wire_name
from grome.realtime.sign_in import LiveSignIn
from grome.realtime.stream_positions import StreamPositions
from grome.realtime.subscriptions import LiveSubscriptions
from grome.realtime.tickets import SignedInUntil

MAX_STREAMS: Final = 2_000  # of one process; a stream needs more memory than a socket
HEARTBEAT_S: Final = 15  # below the response timeout, and below the idle time of most proxies
_RETRY_MS: Final = 2_000
_REPLY_ID: Final = 0

Send = Callable[[bytes], Awaitable[None]]

_encode: Final = msgspec.json.Encoder().encode


class EventStream:
    """Subscribes to rooms and writes their frames as server-sent events, until its token or its client ends it.

    The frames are those of a socket, as JSON. Frames wait in memory while the client does not read; a client with too
    many waiting bytes is cut off, and resumes from the last id that it got.
    """

    def __init__(
        self, actor: Actor, positions: StreamPositions, hub: Hub, max_bytes: int, abort: Callable[[], None]
    ) -> None:
        self.actor: Actor | None = actor
        self._actor, self._positions, self._hub = actor, positions, hub
        self._max_bytes, self._abort = max_bytes, abort
        self._waiting = [b"retry: %d\n\n" % random.randint(_RETRY_MS // 2, _RETRY_MS)]  # noqa: S311 -- spreads load
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._is_closing = False

    @property
    def account_id(self) -> UUID:
        return self._actor.id

    @property
    def is_admin(self) -> bool:
        return self._actor.role is Role.ADMIN

    def deliver(self, delivery: Delivery) -> None:
        if delivery.offset:
            self._positions.advance(delivery.room, delivery.offset)
            self._add(b"id: %b\n%b" % (self._positions.id.encode(), delivery.sse))
        else:
            self._add(delivery.sse)

    def reset(self, room: str, epoch: str, offset: str) -> None:
        self._positions.reset(room, epoch, offset)
        frame = _encode(Reset(wire_name(room, self.account_id), epoch, offset))
        self._add(b"event: reset\nid: %b\ndata: %b\n\n" % (self._positions.id.encode(), frame))

    def joined(self, joins: Joins) -> None:
        """Write the rooms that were joined, with their missed events, as the reply to a subscription."""
        self._positions.start(
            (parse_room(room.room, self.account_id), room.epoch, room.offset)
            for room in joins.rooms
            if isinstance(room.epoch, str) and isinstance(room.offset, str)
        )
        self.send(Reply(_REPLY_ID, ok=joins), with_id=True)

    def send(self, frame: ServerFrame, *, with_id: bool = False) -> None:
        number = b"id: %b\n" % self._positions.id.encode() if with_id else b""
        self._add(b"%bdata: %b\n\n" % (number, _encode(frame)))

    def close(self, code: CloseCode, reason: str, retry_ms: int = 0) -> None:
        """Write `bye`, and end the stream when the client has read everything."""
        if not self._is_closing:
            retry = b"retry: %d\n" % retry_ms if retry_ms else b""
            self._add(b"%bdata: %b\n\n" % (retry, _encode(Bye(code, reason, retry_ms))))
            self._is_closing = True
            count("live_closed", code.label)

    async def write(self, send: Send, lasts_s: float) -> None:
        """Write until the stream is closed. A comment with the newest position is the heartbeat."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + lasts_s
        while self._waiting or not self._is_closing:
            if not self._waiting:
                await self._wait_until(min(ends, loop.time() + HEARTBEAT_S))
            if loop.time() >= ends:
                self.close(CloseCode.TOKEN_EXPIRED, "The access token has expired; reconnect with a new one.")
            if not self._waiting:
                self._positions.advance_all(self._hub.position)
                self._add(b": keep-alive\nid: %b\n\n" % self._positions.id.encode())
            frames, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
            await send(frames)

    async def _wait_until(self, moment: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout_at(moment):
                await self._wake.wait()
        except TimeoutError:
            return

    def _add(self, frames: bytes) -> None:
        if self._is_closing:
            return
        self._waiting.append(frames)
        self._waiting_bytes += len(frames)
        self._wake.set()
        if self._waiting_bytes > self._max_bytes:
            self._is_closing = True
            count("live_closed", CloseCode.SLOW.label)
            self._abort()


class EventStreams:
    """Serves the event streams of a process, under the same limits and guards as sockets."""

    def __init__(
        self, connections: LiveConnections, sign_in: LiveSignIn, subscriptions: LiveSubscriptions, hub: Hub
    ) -> None:
        self._connections, self._sign_in = connections, sign_in
        self._subscriptions, self._hub = subscriptions, hub
        self._streams = 0

    @property
    def is_full(self) -> bool:
        return self._connections.is_full or self._streams >= MAX_STREAMS

    async def serve(
        self,
        signed_in: SignedInUntil,
        rooms: Sequence[str],
        last_event_id: str,
        start: Callable[[], Awaitable[Send]],
        abort: Callable[[], None],
    ) -> None:
        """Join the rooms from the positions in the id, and write their events until the stream ends.

        `start` sends the head of the response. Before that the method raises TooManyConnections, Invalid for a name of
        no room, and transient faults.
        """
        actor, positions = signed_in.actor, StreamPositions.parse(last_event_id)
        wanted = [_position_of(name, actor, positions) for name in rooms]
        stream = EventStream(actor, positions, self._hub, self._connections.settings.max_buffer_bytes, abort)
        if not await self._connections.sign_in(stream, actor):
            raise TooManyConnections
        self._streams += 1
        count("live_opened", "stream")
        try:
            stream.send(await self._sign_in.welcome(signed_in, HEARTBEAT_S))
            others = await self._subscriptions.join(stream, actor, wanted, msgspec.Raw, stream.joined)
            for state in await self._subscriptions.find_states(actor, others):
                stream.send(state)
            await stream.write(await start(), self._sign_in.seconds_left(signed_in))
        finally:
            self._streams -= 1
            self._hub.leave_all(stream)
            self._connections.sign_out(stream, actor)


def _position_of(name: str, actor: Actor, positions: StreamPositions) -> RoomPosition:
    """Return the room with its position. Raises Invalid for a name of no room."""
    try:
        request = positions.request(parse_room(name, actor.id))
    except Invalid as error:
        raise Invalid("rooms", error.faults[0][1]) from None
    return RoomPosition(name, request.epoch, request.offset)
