"""Somebody in a barber's queue of the day."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct, field

MOST_IN_QUEUE: Final = 50
PLACE_GOOD_FOR: Final = timedelta(hours=24)


class State(StrEnum):
    """MISSED: was not there when it was their turn."""

    WAITING = "waiting"
    SEATED = "seated"
    LEFT = "left"
    MISSED = "missed"


class WalkIn(Struct, frozen=True, kw_only=True):
    """A customer, or a guest whom the barber wrote down, waits. `day` is the date on which the opening began.

    `booking_id` is the visit's, which has the id of the place, once they have sat down.
    """

    id: UUID = field(name="_id")
    barber_id: UUID
    day: date
    customer_id: UUID | None
    guest_name: str | None
    service_ids: list[UUID]
    add_on_ids: list[UUID] = []
    state: State = State.WAITING
    booking_id: UUID | None = None
    joined_at: datetime
