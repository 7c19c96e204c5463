"""Positions of a stream of server-sent events, as the id of an event that a client returns as `Last-Event-ID`."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from grome.realtime.models import Offset, RoomRequest, format_offset, parse_offset
from grome.realtime.shards import shard_of

# `<shard>.<epoch>.<milliseconds>-<counter>`, all numbers in base 36, for each shard with a room of the stream.
_PART: Final = re.compile(r"([0-9a-f])\.([0-9A-Za-z_-]{1,40})\.([0-9a-z]{1,11})-([0-9a-z]{1,7})")
_MAX_ID: Final = 1_200
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class StreamPositions:
    """Holds one position for each shard: the events of a shard's rooms come in the order of their offsets.

    After a loss, a shard has no position until all of its rooms were reset. Otherwise a client that has read of the
    first reset only would resume the other rooms as if they had lost nothing.
    """

    def __init__(self) -> None:
        self._positions: dict[int, tuple[str, Offset]] = {}
        self._rooms: defaultdict[int, set[str]] = defaultdict(set)
        self._not_reset: dict[int, set[str]] = {}
        self._id: str | None = None

    @classmethod
    def parse(cls, text: str) -> "StreamPositions":
        """Read an id. Parts that are no positions are left out, so their rooms start anew."""
        positions = cls()
        for part in text[:_MAX_ID].split("~"):
            if found := _PART.fullmatch(part):
                shard, epoch, milliseconds, counter = found.groups()
                positions._positions[int(shard, 16)] = epoch, (int(milliseconds, 36), int(counter, 36))
        return positions

    @property
    def id(self) -> str:
        """Return the id of the positions."""
        if self._id is None:
            self._id = "~".join(
                f"{shard:x}.{epoch}.{_base36(offset[0])}-{_base36(offset[1])}"
                for shard, (epoch, offset) in sorted(self._positions.items())
            )
        return self._id

    def request(self, room: str) -> RoomRequest:
        """Return the request for a room, with its position if there is one."""
        if position := self._positions.get(shard_of(room)):
            return RoomRequest(room, position[0], format_offset(position[1]))
        return RoomRequest(room)

    def start(self, positions: Iterable[tuple[str, str, str]]) -> None:
        """Take the room, epoch and offset of rooms that were joined; the earliest offset counts for a shard."""
        started: dict[int, tuple[str, Offset]] = {}
        for room, epoch, text in positions:
            shard, offset = shard_of(room), _offset(text)
            self._rooms[shard].add(room)
            if shard not in started or offset < started[shard][1]:
                started[shard] = epoch, offset
        self._positions, self._id = started, None

    def advance(self, room: str, offset: Offset) -> None:
        """Take the offset of a delivered event."""
        shard = shard_of(room)
        if position := self._positions.get(shard):
            self._positions[shard], self._id = (position[0], max(position[1], offset)), None

    def advance_all(self, text: str) -> None:
        """Take an offset up to which all events have been delivered."""
        offset = _offset(text)
        self._positions = {shard: (epoch, max(at, offset)) for shard, (epoch, at) in self._positions.items()}
        self._id = None

    def reset(self, room: str, epoch: str, text: str) -> None:
        """Take the position from which on the events of a room are delivered, after its position was lost."""
        shard = shard_of(room)
        remaining = self._not_reset.setdefault(shard, set(self._rooms[shard]))
        remaining.discard(room)
        if remaining:
            self._positions.pop(shard, None)
        else:
            del self._not_reset[shard]
            self._positions[shard] = epoch, _offset(text)
        self._id = None


def _offset(text: str) -> Offset:
    """Return the offset that the hub gave. Raises ValueError for another text."""
    if (offset := parse_offset(text)) is None:
        raise ValueError(f"{text!r} is not an offset")
    return offset


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
