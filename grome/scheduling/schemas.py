"""Free times in requests and responses."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

ServiceIds = Annotated[
    list[UUID], Meta(min_length=1, max_length=10, description="Comma-separated, in the order of the visit.")
]
AddOnIds = Annotated[list[UUID], Meta(max_length=20, description="Comma-separated; add-ons of these services.")]


class SlotOut(Struct, frozen=True):
    """Holds the start and end of the visit, without the barber's buffers."""

    start: datetime
    end: datetime


class RefusedOut(Struct, frozen=True):
    """Describes a start that cannot be booked; `reason` is the stable code of the first rule that rejects the start."""

    start: datetime
    reason: str
    detail: str


class DaySlots(Struct, frozen=True, omit_defaults=True):
    """Lists the starts on a date in the barber's zone. `refused` is present only if the query asks for it."""

    date: date
    slots: list[SlotOut]
    refused: list[RefusedOut] | None = None


class SlotsOut(Struct, frozen=True):
    timezone: str
    days: list[DaySlots]


MAX_DAYS: Final = 31
