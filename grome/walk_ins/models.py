"""A walk-in: a place in a barber's queue of the day."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Struct, field

from grome.infrastructure.mongo.schema import stored_items

MAX_QUEUE_LENGTH: Final = 50


class State(StrEnum):
    """The state of a walk-in. MISSED: the customer was absent at their turn."""

    WAITING = "waiting"
    SEATED = "seated"
    LEFT = "left"
    MISSED = "missed"


class WalkIn(Struct, frozen=True, kw_only=True):
    """A place in the queue, of a customer or of a guest that the barber wrote down.

    `day` is the date on which the opening began. Once the visit has begun, `booking_id` is the visit's; it equals the
    id of the place.
    """

    id: UUID = field(name="_id")
    barber_id: UUID
    day: date
    customer_id: UUID | None
    guest_name: str | None
    service_ids: Annotated[list[UUID], stored_items(at_most=10)]
    add_on_ids: Annotated[list[UUID], stored_items(at_most=20)] = []
    state: State = State.WAITING
    booking_id: UUID | None = None
    joined_at: datetime
