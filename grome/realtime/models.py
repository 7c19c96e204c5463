"""Define events of rooms."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


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
