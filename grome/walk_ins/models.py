"""A walk-in: a place in a barber's queue of the day."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Struct, field

from grome.common.ids import new_id
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_QUEUE_LENGTH: Final = 50


class State(StrEnum):
    """The state of a walk-in. MISSED: the customer was absent at their turn."""

    WAITING = "waiting"
    SEATED = "seated"
    LEFT = "left"
    MISSED = "missed"


class WalkInEvent(Struct, frozen=True, kw_only=True):
    """Records one change of a walk-in in the same write; the entries are the outbox."""

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    at: datetime


class WalkIn(Struct, frozen=True, kw_only=True):
    """A place in the queue, of a customer or of a guest that the barber wrote down.

    `day` is the date on which the opening began. Once the visit has begun, `booking_id` is the visit's; it equals the
    id of the place. The effects of a change are derived from the `outbox`.
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
    outbox: Annotated[list[WalkInEvent], stored_items(at_most=4)] = []


_TYPES: Final = {
    State.WAITING: EventType.WALK_IN_JOINED,
    State.SEATED: EventType.WALK_IN_SEATED,
    State.LEFT: EventType.WALK_IN_LEFT,
    State.MISSED: EventType.WALK_IN_MISSED,
}
# A walk-in is left or missed at most once, and can still be seated afterwards, since its visit may have begun before.
_VERSIONS: Final = {
    State.WAITING: 1,
    State.LEFT: MAX_QUEUE_LENGTH + 2,
    State.MISSED: MAX_QUEUE_LENGTH + 2,
    State.SEATED: MAX_QUEUE_LENGTH + 3,
}


def build_event(state: State, actor_id: UUID, at: datetime) -> WalkInEvent:
    """Build the outbox entry of a walk-in that enters the state."""
    return WalkInEvent(id=new_id(), version=_VERSIONS[state], type=_TYPES[state], actor_id=actor_id, at=at)


def version_of_position(ahead: int) -> int:
    """Return the version of a waiting walk-in behind `ahead` others.

    Nobody joins before a waiting walk-in, so its position only falls, and its versions grow until it is no longer
    waiting.
    """
    return MAX_QUEUE_LENGTH + 1 - min(ahead, MAX_QUEUE_LENGTH - 1)
