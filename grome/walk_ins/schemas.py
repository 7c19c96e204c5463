"""The queue on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import NAME
from grome.scheduling.schemas import AddOnIds, ServiceIds
from grome.walk_ins.models import State

DurationMin = Annotated[int, Meta(ge=5, le=480, multiple_of=5, description="Minutes, in steps of five.")]


class WalkInIn(Struct, frozen=True, forbid_unknown_fields=True):
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class GuestIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody without an account; the name is what you will call."""

    name: Annotated[str, Meta(min_length=1, max_length=80), NAME]
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class SeatIn(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the visit will take, where that is not what its services say: to fit in before an appointment."""

    duration_min: DurationMin | None = None


class QueueQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class QueueOut(Struct, frozen=True):
    """How it is to come without an appointment now; the estimate is null where there is no room any more today."""

    is_taking: bool
    waiting: int
    estimated_start: datetime | None
    estimated_wait_min: int | None


class WalkInOut(Struct, frozen=True):
    """A place in the queue. `ahead` people wait in front; estimates are null where the state is not `waiting`, or where
    there is no room any more today.
    """

    id: UUID
    barber_id: UUID
    day: date
    service_ids: list[UUID]
    add_on_ids: list[UUID]
    state: State
    booking_id: UUID | None
    ahead: int | None
    estimated_start: datetime | None
    estimated_wait_min: int | None
    joined_at: datetime


class WalkInListOut(Struct, frozen=True):
    """Your latest, newest first."""

    items: list[WalkInOut]


class WaitingOut(Struct, frozen=True):
    """Somebody in the barber's queue, in order."""

    id: UUID
    name: str
    customer_id: UUID | None
    service_ids: list[UUID]
    add_on_ids: list[UUID]
    estimated_start: datetime | None
    estimated_wait_min: int | None
    joined_at: datetime


class WaitingListOut(Struct, frozen=True):
    """`pace` is how long your visits took of late, as a share of what was planned."""

    day: date
    pace: float
    items: list[WaitingOut]
