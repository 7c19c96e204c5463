"""Define events of rooms, and positions in rooms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

# An offset as numbers that can be compared: milliseconds by the clock of Redis, and a counter within the millisecond.
Offset = tuple[int, int]

START: Final[Offset] = (0, 0)

Ticket = Annotated[str, Meta(max_length=100, examples=["Qk3v0m1Rr2Zt5yXw8uNc4bLhVdSgFjPa7eTiOqYxMnE"])]


class RoomEvent(Struct, frozen=True):
    """An event in one room.

    `people` are the accounts that the event concerns; none for an area, which is public. `version` grows among the
    events with the same `counted_as`, so that a room drops an event that comes again. `payload` is the JSON of `d` in
    the event's frame.
    """

    room: str
    people: tuple[UUID, ...]
    counted_as: str
    version: int
    at: datetime
    payload: bytes


class RoomRequest(Struct, frozen=True):
    """A room to join, by the server's name, with the last position that the client has seen, if any."""

    room: str
    epoch: str | None = None
    offset: str | None = None


class Joined(Struct, frozen=True):
    """A room that was joined.

    If `recovered` is true, `events` are all events after the requested position, each as the JSON of `{"o", "d"}`.
    Otherwise there are none, and the state has to be loaded by REST. Events after `offset` are delivered in either
    case.
    """

    room: str
    epoch: str
    offset: str
    recovered: bool
    events: Sequence[bytes] = ()


def format_offset(offset: Offset) -> str:
    return f"{offset[0]}-{offset[1]}"


def parse_entry_id(entry_id: bytes) -> Offset:
    """Return the offset that is the id of a stream's entry. Raises ValueError."""
    milliseconds, _, counter = entry_id.partition(b"-")
    return int(milliseconds), int(counter)


def parse_offset(text: str) -> Offset | None:
    """Return None if the text is no offset."""
    milliseconds, dash, counter = text.partition("-")
    if not dash or not (milliseconds + counter).isascii():
        return None
    try:
        return int(milliseconds), int(counter)
    except ValueError:
        return None
