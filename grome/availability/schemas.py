"""Free times on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.barbers.schemas import Instant, Latitude, Longitude

ServiceIds = Annotated[list[UUID], Meta(min_length=1, max_length=10, description="Parted by commas, in order.")]
AddOnIds = Annotated[list[UUID], Meta(max_length=20, description="Parted by commas: add-ons of these services.")]


class SlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Dates are the barber's local ones, both included: 31 at most, and 7 with `explain`.

    With a position it is for a house call there. `at` is one more start to be explained.
    """

    first: date = field(name="from")
    last: date = field(name="to")
    service_ids: ServiceIds
    add_on_ids: AddOnIds = []
    lat: Latitude | None = None
    lng: Longitude | None = None
    explain: Annotated[bool, Meta(description="Whether to say of each refused start which rule refuses it.")] = False
    at: Instant | None = None


class SlotOut(Struct, frozen=True):
    """When the visit would begin and end, without the barber's buffers."""

    start: datetime
    end: datetime


class RefusedOut(Struct, frozen=True):
    """A start that cannot be booked; `reason` is the stable code of the first rule that refuses it."""

    start: datetime
    reason: str
    detail: str


class DaySlots(Struct, frozen=True, omit_defaults=True):
    """A date in the barber's zone with the starts that lie on it; `refused` only where it was asked for."""

    date: date
    slots: list[SlotOut]
    refused: list[RefusedOut] | None = None


class SlotsOut(Struct, frozen=True):
    timezone: str
    days: list[DaySlots]
