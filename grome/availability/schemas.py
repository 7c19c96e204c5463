"""Free times on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field


class SlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Dates are the barber's local ones, both included, 31 at most."""

    first: date = field(name="from")
    last: date = field(name="to")
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10, description="Parted by commas, in order.")]


class SlotOut(Struct, frozen=True):
    """When the visit would begin and end, without the barber's buffers."""

    start: datetime
    end: datetime


class DaySlots(Struct, frozen=True):
    """A date in the barber's zone with the starts that lie on it."""

    date: date
    slots: list[SlotOut]


class SlotsOut(Struct, frozen=True):
    timezone: str
    days: list[DaySlots]
