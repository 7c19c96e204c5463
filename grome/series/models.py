"""Repeating visits: the rule, and the result of each start when the series was made."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.bookings.models import Idempotency
from grome.infrastructure.mongo.schema import stored_items

MAX_VISITS: Final = 26


class Repeat(Struct, frozen=True, forbid_unknown_fields=True):
    """Every so many weeks on the first visit's weekday, or every so many months on the same weekday of the month.

    That is the first to fourth, or the last where the first visit is on a fifth. It ends with the date `until`, in the
    barber's zone, or after `count` visits: one of the two is given.
    """

    every: Literal["week", "month"]
    interval: Annotated[int, Meta(ge=1, le=8)] = 1
    until: date | None = None
    count: Annotated[int, Meta(ge=2, le=MAX_VISITS)] | None = None


class Refused(Struct, frozen=True):
    """Why a visit is not booked, or was not changed: a stable code, and a sentence."""

    code: str
    detail: str


class Occurrence(Struct, frozen=True):
    """One start of a series. Where it was not refused, there is a booking under `booking_id`."""

    booking_id: UUID
    scheduled_at: datetime
    refused: Refused | None = None


class Series(Struct, frozen=True, kw_only=True):
    """A series of bookings. Until `is_made` is true, its bookings are still being made, or their making was cut off.

    With an idempotency key, `first_answer` is stored together with `is_made`, and loaded for a repeat only.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    repeat: Repeat
    timezone: str
    occurrences: Annotated[list[Occurrence], stored_items(at_most=MAX_VISITS)]
    is_made: bool
    idempotency: Idempotency | None
    first_answer: bytes | None = None
    created_at: datetime


def booking_id(series_id: UUID, number: int) -> UUID:
    """Return the series' id with the number in its last bits: making a series again makes no booking twice."""
    return UUID(int=series_id.int ^ (number + 1))
