"""Bookings on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from grome.barbers.terms import Terms
from grome.bookings.models import (
    Action,
    BookedService,
    Booking,
    Discount,
    Guest,
    HistoryEntry,
    HouseCall,
    Origin,
    Party,
    Payment,
    Reason,
    Settlement,
    Status,
)
from grome.common.http import PageQuery

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.", examples=["2027-03-01T09:00:00Z"])]
Note = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]


class BookingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer asks for. The services are done in this order, one after the other."""

    barber_id: UUID
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    scheduled_at: Instant


class EndIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A word to the other side, kept in the history."""

    note: Note | None = None


class BookingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Status | None = None


class ProposalOut(Struct, frozen=True):
    """Another time for the visit, held beside the present one until `awaits` answers or `answer_by` has passed."""

    scheduled_at: datetime
    ends_at: datetime
    awaits: Party
    answer_by: datetime


class BookingOut(Struct, frozen=True):
    id: UUID
    status: Status
    reason: Reason | None
    customer_id: UUID | None
    guest: Guest | None
    barber_id: UUID
    origin: Origin
    series_id: UUID | None
    services: list[BookedService]
    scheduled_at: datetime
    ends_at: datetime
    house_call: HouseCall | None
    awaits: Party | None
    answer_by: datetime | None
    proposal: ProposalOut | None
    late_min: int
    price: int
    discount: Discount | None
    currency: str
    payment: Payment
    settlement: Settlement | None
    terms: Terms
    customer_note: str | None
    version: int
    created_at: datetime


class BookingPage(Struct, frozen=True):
    items: list[BookingOut]
    next_cursor: str | None


class HistoryEntryOut(Struct, frozen=True):
    """One change. `actor_id` is null where Grome itself acted."""

    id: UUID
    version: int
    action: Action
    status: Status
    by: Party
    actor_id: UUID | None
    at: datetime
    reason: Reason | None
    note: str | None
    scheduled_at: datetime | None


class HistoryOut(Struct, frozen=True):
    """Everything that happened to a booking, oldest first."""

    items: list[HistoryEntryOut]


def booking_out(booking: Booking) -> BookingOut:
    return msgspec.convert(booking, BookingOut, from_attributes=True)


def history_out(entries: list[HistoryEntry]) -> HistoryOut:
    return HistoryOut(msgspec.convert(entries, list[HistoryEntryOut], from_attributes=True))
