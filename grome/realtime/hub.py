"""Rooms of this process: subscribers join with their positions, and get the events of their rooms in order."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol
from uuid import UUID

from redis.exceptions import RedisError

from grome.infrastructure.figures import count
from grome.infrastructure.isolated_items import report_failure
from grome.realtime.bus import BusReader, Shard
from grome.realtime.delivery import Delivery
from grome.realtime.errors import TooManyRooms
from grome.realtime.frames import MAX_EVENTS_OF_RESUME, MAX_ROOMS
from grome.realtime.history import History, RoomHistory
from grome.realtime.models import Joined, Offset, RoomRequest, format_offset, parse_offset
from grome.realtime.ring import Ring
from grome.realtime.shards import SHARDS, shard_of

# Subscribers that are served in one step of the event loop.
_SLICE: Final = 500
_MAX_READS: Final = 16
# Subscriptions of a process: 10,000 connections with some rooms each.
_MAX_SUBSCRIPTIONS: Final = 200_000
# A position can be so far ahead of this process if another process gave it out.
_MAX_AHEAD_MS: Final = 60_000


class Subscriber(Protocol):
    """A connection in rooms. Both methods are called in the event loop and must not block."""

    @property
    def account_id(self) -> UUID: ...

    @property
    def is_admin(self) -> bool: ...

    def deliver(self, delivery: Delivery) -> None:
        """Send a frame."""

    def reset(self, room: str, epoch: str, offset: str) -> None:
        """Tell the client that its position in the room was lost; events after `offset` follow."""


# The subscribers of a room. Each has the offset up to which it gets no events.
Members = dict[Subscriber, Offset]


class Hub:
    """Joins subscribers to rooms, and delivers the events of the bus to them.

    A subscriber gets each event of its rooms once, in the order of their offsets, and no event up to the position that
    it joined with. If the server cannot hold to that, it says so: `recovered` is false, or the subscriber is reset.

    A position within the reach of the ring is resumed from memory. An older position is resumed from the room's
    stream; the ring has the events that come while the stream is read.
    """

    def __init__(self, bus: BusReader, history: RoomHistory, ring: Ring) -> None:
        self._bus, self._history, self._ring = bus, history, ring
        self._rooms: list[dict[str, Members]] = [{} for _ in range(SHARDS)]
        self._rooms_of: dict[Subscriber, set[str]] = {}
        self._subscriptions = 0
        self._reads = asyncio.Semaphore(_MAX_READS)

    def start(self) -> None:
        """Start to read the bus."""
        self._bus.start(self)

    async def close(self) -> None:
        """Stop reading the bus."""
        await self._bus.close()

    @property
    def position(self) -> str:
        """Return the offset up to which all events of all rooms have been delivered in this process."""
        return format_offset(min(shard.delivered for shard in self._bus.shards))

    # ---- subscriptions

    async def join(
        self,
        subscriber: Subscriber,
        requests: Sequence[RoomRequest],
        on_joined: Callable[[Sequence[Joined]], None],
    ) -> None:
        """Add the subscriber to rooms; rights were checked before.

        `on_joined` is called in the same step of the event loop in which the subscriptions go live. So a reply that it
        writes precedes all later events. It is not called if the subscriber left by `leave_all` meanwhile. Raises
        TooManyRooms.
        """
        rooms = self._rooms_of.get(subscriber, set())
        new = {request.room for request in requests} - rooms
        if len(rooms) + len(new) > MAX_ROOMS or self._subscriptions + len(new) > _MAX_SUBSCRIPTIONS:
            raise TooManyRooms
        self._rooms_of[subscriber] = rooms
        await self._bus.wait_until_known()
        histories = await self._read_histories(requests)
        if self._rooms_of.get(subscriber) is rooms:
            on_joined([self._enter(subscriber, request, histories.get(request.room)) for request in requests])

    def leave(self, subscriber: Subscriber, room: str) -> None:
        """Remove the subscriber from a room, if it is there."""
        rooms, members = self._rooms[shard_of(room)], self._members(room)
        if subscriber in members:
            del members[subscriber]
            self._subscriptions -= 1
            self._rooms_of[subscriber].discard(room)
            if not members:
                del rooms[room]

    def leave_all(self, subscriber: Subscriber) -> None:
        """Remove the subscriber from all rooms."""
        for room in list(self._rooms_of.get(subscriber, ())):
            self.leave(subscriber, room)
        self._rooms_of.pop(subscriber, None)

    def _members(self, room: str) -> Members:
        return self._rooms[shard_of(room)].get(room, {})

    def _enter(self, subscriber: Subscriber, request: RoomRequest, history: History | None) -> Joined:
        """Add a member, as of the position of this process, or of the last event that the member knows."""
        shard = self._bus.shards[shard_of(request.room)]
        asked = self._asked(shard, request)
        events = self._missed(shard, request.room, asked, history) if asked else None
        offset = shard.begun
        if asked and events is not None:
            pass
        if request.epoch is not None:
            count("live_resumes", "lost" if events is None else "whole")
        members = self._rooms[shard.number].setdefault(request.room, {})
        self._subscriptions += subscriber not in members
        members[subscriber] = offset
        self._rooms_of[subscriber].add(request.room)
        visible = [event.resumed for _, event in events or () if _may_get(subscriber, event)]
        return Joined(request.room, shard.epoch, format_offset(offset), events is not None, visible)

    # ---- missed events

    def _asked(self, shard: Shard, request: RoomRequest) -> Offset | None:
        """Return the requested position, None if it is not of the present epoch, or of no time that can be."""
        offset = parse_offset(request.offset or "") if request.epoch and request.epoch == shard.epoch else None
        return offset if offset and offset[0] <= shard.begun[0] + _MAX_AHEAD_MS else None

    async def _read_histories(self, requests: Sequence[RoomRequest]) -> dict[str, History]:
        """Return the events of the rooms for which the ring does not suffice; none while Redis is unavailable."""
        old = [
            (request.room, asked)
            for request in requests
            for shard in [self._bus.shards[shard_of(request.room)]]
            if (asked := self._asked(shard, request)) and asked < self._ring.floors[shard.number]
        ]
        found = await asyncio.gather(*(self._read_history(*position) for position in old)) if old else []
        return {room: history for (room, _), history in zip(old, found, strict=True) if history}

    async def _read_history(self, room: str, asked: Offset) -> History | None:
        async with self._reads:
            try:
                return await self._history.after(room, asked, MAX_EVENTS_OF_RESUME + 1)
            except RedisError:
                return None

    def _missed(
        self, shard: Shard, room: str, asked: Offset, history: History | None
    ) -> list[tuple[Offset, Delivery]] | None:
        """Return the events after a position, None if they may not be complete or are too many."""
        events: list[tuple[Offset, Delivery]] = []
        known = asked
        if history:
            if not history.is_whole or history.epoch != shard.epoch:
                return None
            events += history.events
            known = history.upto
        if known < self._ring.floors[shard.number]:
            return None
        events += self._ring.after(room, events[-1][0] if events else asked)
        return events if len(events) <= MAX_EVENTS_OF_RESUME else None

    # ---- the bus

    async def deliver(self, shard: int, delivery: Delivery) -> None:
        """Send a frame to all members of its room that may see it."""
        offset = delivery.offset
        if offset:
            self._ring.add(shard, offset, delivery)
        members = self._rooms[shard].get(delivery.room)
        if not members:
            return
        sent, is_public = 0, delivery.is_public
        for number, subscriber in enumerate(list(members), 1):
            # Members can leave and join between slices. New members know the event, or load the state with it.
            before = members.get(subscriber)
            is_due = before and (not offset or before < offset)
            if is_due and (is_public or _may_get(subscriber, delivery)):
                sent += 1
                _call(subscriber.deliver, delivery)
            if number % _SLICE == 0:
                await asyncio.sleep(0)
        delivery.release()
        count("live_fan_outs")
        count("live_frames", by=sent)
        count("live_bytes", by=sent * len(delivery.payload))

    async def reset(self, shard: int, epoch: str, offset: Offset) -> None:
        """Tell all members of the shard's rooms that positions were lost."""
        self._ring.drop(shard, offset)
        told, text = 0, format_offset(offset)
        for room, members in list(self._rooms[shard].items()):
            for subscriber in list(members):
                if subscriber in members:
                    members[subscriber] = offset
                    _call(subscriber.reset, room, epoch, text)
                told += 1
                if told % _SLICE == 0:
                    await asyncio.sleep(0)

    def pass_time(self, now_ms: int) -> None:
        """Forget the events that are too old."""
        self._ring.evict(now_ms)


def _may_get(subscriber: Subscriber, delivery: Delivery) -> bool:
    return delivery.is_public or subscriber.is_admin or delivery.concerns(subscriber.account_id)


def _call(call: Callable[..., None], *values: object) -> None:
    """Call a subscriber; if it fails, the others are called all the same."""
    try:
        call(*values)
    except Exception as error:  # noqa: BLE001 -- logged
        report_failure("live subscribers", call, error)
