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
    """Describes the visit to join the queue for."""

    service_ids: ServiceIds
    """Services of the barber, in the order of the visit."""
    add_on_ids: AddOnIds = []
    """Add-ons of these services."""


class GuestIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes a guest without an account."""

    name: Annotated[str, Meta(min_length=1, max_length=80, examples=["Jonas"]), NAME]
    """Name to call the guest by; you alone see it."""
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class SeatIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the duration of the visit, in place of the duration of its services, to fit in before an appointment."""

    duration_min: DurationMin | None = None
    """Replaces the duration of the services, to fit in before an appointment; null keeps it."""


class QueueQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []


class QueueOut(Struct, frozen=True):
    """Describes the queue for a customer that joins it now. Estimates are null if there is no room left today."""

    is_taking: bool
    """Whether the barber is online and takes walk-ins."""
    waiting: int
    """Number of walk-ins in the queue."""
    estimated_start: datetime | None
    """Likely start of your visit; null if offline or without room today."""
    estimated_wait_min: int | None
    """Whole minutes until then, rounded up; null if there is no estimate."""


class WalkInOut(Struct, frozen=True):
    """Describes a place in the queue."""

    id: UUID
    """Id of the walk-in; the path parameter `walk_in_id`, and later the id of the booking."""
    barber_id: UUID
    """Barber of the queue."""
    day: date
    """Date of the queue, in the barber's zone."""
    service_ids: list[UUID]
    """Services in the order of the visit."""
    add_on_ids: list[UUID]
    """Chosen add-ons of these services."""
    state: State
    """`seated`: the visit has begun. `missed`: the customer was absent at the turn."""
    booking_id: UUID | None
    """Booking of the visit; null until it has begun."""
    ahead: int | None
    """Number of walk-ins that come first; null unless waiting in an open queue."""
    estimated_start: datetime | None
    """Likely start of the visit; null unless waiting and with room left today."""
    estimated_wait_min: int | None
    """Whole minutes until then, rounded up; null if there is no estimate."""
    joined_at: datetime
    """Decides the position in the queue."""


class WalkInListOut(Struct, frozen=True):
    """Lists your latest walk-ins, newest first."""

    items: list[WalkInOut]
    """Your latest 20 walk-ins, newest first."""


class WaitingOut(Struct, frozen=True):
    """Describes a walk-in in the barber's queue."""

    id: UUID
    """Id of the walk-in; the path parameter `walk_in_id`."""
    name: Annotated[str, Meta(examples=["Jonas Weber"])]
    """Name of the customer or guest; empty if the account is gone."""
    customer_id: UUID | None
    """Account id of the customer; null for a guest."""
    service_ids: list[UUID]
    """Services in the order of the visit."""
    add_on_ids: list[UUID]
    """Chosen add-ons of these services."""
    estimated_start: datetime | None
    """Likely start of the visit; null if there is no room left today."""
    estimated_wait_min: int | None
    """Whole minutes until then, rounded up; null if there is no estimate."""
    joined_at: datetime
    """Decides the position in the queue."""


class WaitingListOut(Struct, frozen=True):
    """Lists your queue."""

    day: date
    """Date of the queue, in your time zone."""
    pace: float
    """Actual by planned duration of your recent visits; 1.1 is ten percent slower than planned."""
    items: list[WaitingOut]
    """Waiting walk-ins, the next first."""
