"""The latest events of all rooms in memory, so that clients that were away for a moment resume without Redis."""

from collections import deque
from itertools import takewhile
from typing import Final

from grome.realtime.delivery import Delivery
from grome.realtime.models import START, Offset
from grome.realtime.shards import SHARDS, shard_of

RING_MS: Final = 120_000
RING_BYTES: Final = 64_000_000


class Ring:
    """Keeps the events of two minutes, or fewer if they exceed the limit of bytes.

    For each shard it has all events with offsets above its `floors`.
    """

    def __init__(self, max_age_ms: int = RING_MS, max_bytes: int = RING_BYTES) -> None:
        self._max_age_ms, self._max_bytes = max_age_ms, max_bytes
        self._by_age = deque[tuple[int, Offset, Delivery]]()
        self._by_room: dict[str, list[tuple[Offset, Delivery]]] = {}  # a deque of one item is ten times as large
        self.size = 0
        self.floors = [START] * SHARDS

    def add(self, shard: int, offset: Offset, delivery: Delivery) -> None:
        """Add an event; a shard's events come in the order of their offsets."""
        self._by_age.append((shard, offset, delivery))
        self._by_room.setdefault(delivery.room, []).append((offset, delivery))
        self.size += delivery.size
        self.evict(offset[0])

    def evict(self, now_ms: int) -> None:
        """Remove events that are too old by the clock of Redis, and the oldest ones beyond the limit of bytes."""
        oldest_ms = now_ms - self._max_age_ms
        while self._by_age and (self._by_age[0][1][0] < oldest_ms or self.size > self._max_bytes):
            shard, offset, delivery = self._by_age.popleft()
            self.floors[shard] = offset
            self.size -= delivery.size
            of_room = self._by_room[delivery.room]
            del of_room[0]
            if not of_room:
                del self._by_room[delivery.room]

    def after(self, room: str, offset: Offset) -> list[tuple[Offset, Delivery]]:
        """Return the events of a room above an offset that is not below the floor of its shard."""
        newest_first = takewhile(lambda event: event[0] > offset, reversed(self._by_room.get(room, ())))
        return list(newest_first)[::-1]

    def drop(self, shard: int, floor: Offset) -> None:
        """Remove the events of a shard; from now on it has the events above `floor`."""
        self._by_age = deque(event for event in self._by_age if event[0] != shard)
        self._by_room = {room: events for room, events in self._by_room.items() if shard_of(room) != shard}
        self.size = sum(delivery.size for _, _, delivery in self._by_age)
        self.floors[shard] = floor
