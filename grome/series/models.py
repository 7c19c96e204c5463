"""Define series of visits: the rule, and the result of each start when the series was created."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.bookings.models import Idempotency
from grome.infrastructure.mongo.schema import stored_items

MAX_VISITS: Final = 26


class Repeat(Struct, frozen=True, forbid_unknown_fields=True):
    """Repeats a visit every `interval` weeks on its weekday, or every `interval` months on its weekday of the month.

    The weekday of the month is the first to fourth; if the first visit is on the fifth, it is the last. The series ends
    on the date `until`, in the barber's time zone, or after `count` visits; exactly one of them is required.
    """

    every: Literal["week", "month"]
    """Unit of `interval`; a month keeps the weekday of the month, e.g. the second Tuesday."""
    interval: Annotated[int, Meta(ge=1, le=8)] = 1
    """Weeks or months from one visit to the next."""
    until: date | None = None
    """Latest date of a visit, in the barber's zone; exclusive with `count`."""
    count: Annotated[int, Meta(ge=2, le=MAX_VISITS)] | None = None
    """Number of visits including the first; exclusive with `until`."""


class Refused(Struct, frozen=True):
    """Explains why a visit is not booked or was not changed: a stable code and a sentence."""

    code: Annotated[str, Meta(examples=["slot_taken"])]
    """Stable code of an error or of a rule of the barber's calendar, e.g. `slot_taken`."""
    detail: Annotated[str, Meta(examples=["The time is already taken"])]
    """Explanation in English to show to the user."""


class Occurrence(Struct, frozen=True):
    """Holds a start of a series. Unless it was refused, a booking exists under `booking_id`."""

    booking_id: UUID
    scheduled_at: datetime
    refused: Refused | None = None


class Series(Struct, frozen=True, kw_only=True):
    """Holds a series of bookings. While `is_made` is false, its bookings are being created or creation was interrupted.

    With an idempotency key, `first_answer` is stored together with `is_made`, and loaded only for a repeated request.
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
    """Return the series' id with the number in its last bits, so that a repeated creation adds no booking twice."""
    return UUID(int=series_id.int ^ (number + 1))
