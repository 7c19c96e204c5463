"""Free times on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.barbers.schemas import Instant, Latitude, Longitude

ServiceIds = Annotated[list[UUID], Meta(min_length=1, max_length=10, description="Parted by commas, in order.")]
AddOnIds = Annotated[list[UUID], Meta(max_length=20, description="Parted by commas: add-ons of these services.")]


class SlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of the barber, first and last included: 31 at most, and 7 with `explain`.

    With a position, the query is for a house call to this position. `at` is an additional start to be explained.
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
    """Holds the begin and end of the visit, without the barber's buffers."""

    start: datetime
    end: datetime


class RefusedOut(Struct, frozen=True):
    """Describes a start that cannot be booked; `reason` is the stable code of the first rule that refuses the start."""

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
