"""Request and response bodies of walk-ins."""

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
    """Describes a guest without an account; call them by `name`."""

    name: Annotated[str, Meta(min_length=1, max_length=80), NAME]
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class SeatIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the duration of the visit, in place of the duration of its services, to fit in before an appointment."""

    duration_min: DurationMin | None = None


class QueueQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class QueueOut(Struct, frozen=True):
    """Describes the queue for a customer that joins it now. Estimates are null if there is no room left today."""

    is_taking: bool
    waiting: int
    estimated_start: datetime | None
    estimated_wait_min: int | None


class WalkInOut(Struct, frozen=True):
    """Describes a place in the queue; `ahead` walk-ins come first.

    Estimates are null unless the state is `waiting` and there is room left today.
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
    """Lists your latest walk-ins, newest first."""

    items: list[WalkInOut]


class WaitingOut(Struct, frozen=True):
    """Describes a walk-in in the barber's queue."""

    id: UUID
    name: str
    customer_id: UUID | None
    service_ids: list[UUID]
    add_on_ids: list[UUID]
    estimated_start: datetime | None
    estimated_wait_min: int | None
    joined_at: datetime


class WaitingListOut(Struct, frozen=True):
    """Lists your queue. `pace` is the ratio of actual to planned duration of your recent visits."""

    day: date
    pace: float
    items: list[WaitingOut]
