"""Bookings on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.bookings.models import Action, BookedService, Booking, HistoryEntry, Party, Payment, Reason, Status
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


class BookingOut(Struct, frozen=True):
    id: UUID
    status: Status
    reason: Reason | None
    customer_id: UUID
    barber_id: UUID
    services: list[BookedService]
    scheduled_at: datetime
    ends_at: datetime
    price: int
    currency: str
    payment: Payment
    version: int
    answer_by: datetime | None
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


class HistoryOut(Struct, frozen=True):
    """Everything that happened to a booking, oldest first."""

    items: list[HistoryEntryOut]


def booking_out(booking: Booking) -> BookingOut:
    return BookingOut(
        booking.id,
        booking.status,
        booking.reason,
        booking.customer_id,
        booking.barber_id,
        booking.services,
        booking.scheduled_at,
        booking.ends_at,
        booking.price,
        booking.currency,
        booking.payment,
        booking.version,
        booking.answer_by,
        booking.created_at,
    )


def history_out(entries: list[HistoryEntry]) -> HistoryOut:
    return HistoryOut(
        [
            HistoryEntryOut(
                entry.id,
                entry.version,
                entry.action,
                entry.status,
                entry.by,
                entry.actor_id,
                entry.at,
                entry.reason,
                entry.note,
            )
            for entry in entries
        ]
    )
