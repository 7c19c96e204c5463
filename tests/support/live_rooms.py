"""Live rooms without connections: hubs on a Redis, and devices that keep copies of their rooms."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from grome.infrastructure.redis.client import Namespace
from grome.realtime.bus import BusReader
from grome.realtime.delivery import Delivery
from grome.realtime.history import RoomHistory
from grome.realtime.hub import Hub
from grome.realtime.models import Joined, Offset, RoomEvent, RoomRequest, parse_offset
from grome.realtime.ring import Ring
from grome.realtime.streams import LivePublisher


@asynccontextmanager
async def open_hub(
    redis: Redis, namespace: Namespace, ring: Ring | None = None, commands: Redis | None = None
) -> AsyncIterator[Hub]:
    """A started hub that reads the bus by `redis`, and streams of rooms by `commands`."""
    hub = Hub(BusReader(redis, namespace), RoomHistory(commands or redis, namespace), ring or Ring())
    hub.start()
    try:
        yield hub
    finally:
        await hub.close()


def live_redis(url: str, name: str | None = None) -> Redis:
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, client_name=name)


class _Data(msgspec.Struct):
    number: int


class _Missed(msgspec.Struct):
    o: str
    d: _Data


class Rooms:
    """All events of rooms, as the database has them."""

    def __init__(self, publisher: LivePublisher) -> None:
        self._publisher = publisher
        self._events: list[RoomEvent] = []
        self._last = 0

    async def happen(self, room: str, *people: UUID) -> int:
        """Store and publish a new event; return its number."""
        self._last += 1
        payload = msgspec.json.encode(_Data(self._last))
        self._events.append(RoomEvent(room, people, "subject", self._last, datetime.now(UTC), payload))
        await self._publisher.publish(self._events[-1:])
        return self._last

    async def redeliver(self, start: int) -> None:
        """Publish the events from a position once more."""
        await self._publisher.publish(self._events[start:])

    def state(self, room: str, person: UUID, *, is_admin: bool = False) -> list[int]:
        """Return the numbers of a room's events, as a person may see them."""
        return [
            event.version
            for event in self._events
            if event.room == room and (is_admin or room.startswith("area:") or person in event.people)
        ]


class Device:
    """A subscriber with a copy of the state of its rooms. It asserts that each event comes once and in order.

    When it is told that its position was lost, it loads the state.
    """

    def __init__(self, rooms: Rooms, account_id: UUID, *, is_admin: bool = False) -> None:
        self._rooms, self.account_id, self.is_admin = rooms, account_id, is_admin
        self.copies: dict[str, set[int]] = {}
        self.positions: dict[str, tuple[str, Offset]] = {}
        # The numbers of events since the state of a room was loaded.
        self.had = defaultdict[str, list[int]](list)
        self.ephemeral: list[Delivery] = []
        self.resets = 0
        # Errors of `deliver`, which the hub only logs.
        self.faults: list[str] = []

    async def join(self, hub: Hub, *rooms: str, fresh: bool = False) -> Sequence[Joined]:
        """Join rooms with the positions that the device has; return the answers."""
        answers: list[Joined] = []

        def on_joined(joined: Sequence[Joined]) -> None:
            answers.extend(joined)
            for room in joined:
                self._take_joined(room)

        known = {} if fresh else self.positions
        requests = [
            RoomRequest(room, known[room][0], "{}-{}".format(*known[room][1])) if room in known else RoomRequest(room)
            for room in rooms
        ]
        await hub.join(self, requests, on_joined)
        return answers

    def is_current(self, *rooms: str) -> bool:
        """Return whether the copies are the state of the rooms, as the account may see it.

        Raises AssertionError if an event came twice or out of order.
        """
        assert not self.faults
        return all(
            sorted(self.copies[room]) == self._rooms.state(room, self.account_id, is_admin=self.is_admin)
            for room in rooms
        )

    def deliver(self, delivery: Delivery) -> None:
        if delivery.offset is None:
            self.ephemeral.append(delivery)
            return
        try:
            self._take(delivery.room, delivery.offset, msgspec.json.decode(delivery.payload, type=_Data).number)
        except AssertionError as error:
            self.faults.append(str(error))

    def reset(self, room: str, epoch: str, offset: str) -> None:
        self.resets += 1
        self._load(room, epoch, offset)

    def _take_joined(self, joined: Joined) -> None:
        if joined.recovered:
            for event in joined.events:
                missed = msgspec.json.decode(event, type=_Missed)
                self._take(joined.room, _offset(missed.o), missed.d.number)
            assert _offset(joined.offset) >= self.positions[joined.room][1]
            self.positions[joined.room] = joined.epoch, _offset(joined.offset)
        else:
            assert not joined.events
            self._load(joined.room, joined.epoch, joined.offset)

    def _load(self, room: str, epoch: str, offset: str) -> None:
        self.copies[room] = set(self._rooms.state(room, self.account_id, is_admin=self.is_admin))
        self.positions[room] = epoch, _offset(offset)
        self.had[room].clear()

    def _take(self, room: str, offset: Offset, number: int) -> None:
        epoch, last = self.positions[room]
        assert offset > last, f"{offset} came after {last}"
        assert number not in self.had[room], f"event {number} came twice"
        self.positions[room] = epoch, offset
        self.had[room].append(number)
        self.copies[room].add(number)


def _offset(text: str) -> Offset:
    found = parse_offset(text)
    assert found
    return found
