"""Free times in requests and responses."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.clock import TimeZoneName

ServiceIds = Annotated[
    list[UUID], Meta(min_length=1, max_length=10, description="Comma-separated, in the order of the visit.")
]
AddOnIds = Annotated[list[UUID], Meta(max_length=20, description="Comma-separated; add-ons of these services.")]


class SlotOut(Struct, frozen=True):
    """Holds the start and end of the visit, without the barber's buffers."""

    start: datetime
    """Send it as `scheduled_at` to book."""
    end: datetime
    """End of the visit, without the barber's buffer after it."""


class RefusedOut(Struct, frozen=True):
    """Describes a start that cannot be booked."""

    start: datetime
    """Start that cannot be booked."""
    reason: Annotated[str, Meta(examples=["taken"])]
    """Stable code of the first rule that rejects the start."""
    detail: Annotated[str, Meta(examples=["The barber is not free for the whole of this visit."])]
    """Explanation of the rule in English."""


class DaySlots(Struct, frozen=True, omit_defaults=True):
    """Lists the starts on a date in the barber's zone."""

    date: date
    """Date in the barber's zone."""
    slots: list[SlotOut]
    """Free starts on this date, earliest first; empty if none."""
    refused: list[RefusedOut] | None = None
    """Starts that cannot be booked, with reasons; only if the query asks for them."""


class SlotsOut(Struct, frozen=True):
    """Lists free starts by date."""

    timezone: TimeZoneName
    """IANA time zone of the barber, for showing the starts."""
    days: list[DaySlots]
    """Every date of the request in order, also dates without free starts."""


MAX_DAYS: Final = 31
