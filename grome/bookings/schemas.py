"""Bookings on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.barbers.models import Terms
from grome.barbers.schemas import Instant, LatLng, to_lat_lng
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
from grome.common.money import Amount
from grome.common.text import NAME, NOTE
from grome.promos.models import PromoCode

Note = Annotated[str, Meta(max_length=500), NOTE]

Version = Annotated[int, Meta(ge=1, le=1_000_000, description="The booking's version when it was read.")]
LateMin = Annotated[
    int,
    Meta(
        ge=5, le=240, multiple_of=5, description="How much later than agreed, altogether; what was told before counts."
    ),
]


class HouseCallIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the barber is to come. The address is for the barber's eyes; the way is worked out from the location."""

    location: LatLng
    address: Annotated[str, Meta(min_length=1, max_length=300), NAME]


class VisitIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a customer asks for. The services are done in this order, one after the other, each with its add-ons."""

    barber_id: UUID
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    scheduled_at: Instant
    add_on_ids: Annotated[list[UUID], Meta(max_length=20)] = []
    house_call: HouseCallIn | None = None
    note: Note | None = None


class BookingIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a customer asks for. The services are done in this order, one after the other, each with its add-ons."""

    promo_code: PromoCode | None = None


class EndIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A word to the other side, kept in the history."""

    note: Note | None = None


class CancelIn(EndIn, frozen=True, forbid_unknown_fields=True):
    """A word to the other side, and what the preview said: where it is not so any more, nothing is cancelled."""

    expected_fee: Amount | None = None
    expected_refund: Amount | None = None


class TipIn(Struct, frozen=True, forbid_unknown_fields=True):
    """On top of the price, in the booking's currency; 0 for none."""

    amount: Amount


class NoteIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Null takes the note away."""

    note: Note | None


class RebookIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The same once more at another time. Without `house_call` it takes place where it did; null is at the barber's."""

    scheduled_at: Instant
    house_call: HouseCallIn | UnsetType | None = UNSET
    note: Note | None = None


class RescheduleIn(Struct, frozen=True, forbid_unknown_fields=True):
    """The new start, and a word to the other side. With `version`, only if the booking still is as it was read."""

    scheduled_at: Instant
    version: Version | None = None
    note: Note | None = None


class ProposalAnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to the proposed time, with a word to the other side. With `version`, only to the proposal as it was
    read: a second one replaces the first.
    """

    version: Version | None = None
    note: Note | None = None


class OtherTimesQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The barber's local dates, both included, 31 at most."""

    first: date = field(name="from")
    last: date = field(name="to")


class LateIn(Struct, frozen=True, forbid_unknown_fields=True):
    minutes: LateMin


class LateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    minutes: LateMin


class BookingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Status | None = None


class HouseCallOut(Struct, frozen=True):
    """`distance_m` as the crow flies; the way takes `travel_min` there and as much back."""

    location: LatLng
    address: str
    distance_m: float
    travel_min: int


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
    house_call: HouseCallOut | None
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


class CancellationOut(Struct, frozen=True):
    """What cancelling costs the customer if you do it at `at`: `fee` is kept of the price, `refund` of what is paid
    goes back, `due` is still to be paid.

    It costs nothing up to and with `free_until`; null where time alone does not make it cost anything.
    """

    fee: int
    refund: int
    due: int
    currency: str
    free_until: datetime | None
    at: datetime


class NotesOut(Struct, frozen=True):
    """The customer's note is for both sides; the barber's is null to the customer."""

    customer_note: str | None
    barber_note: str | None


class ShiftOut(Struct, frozen=True):
    """A visit that comes later, with the time that it had before. `late_min` is how much later than agreed it is now,
    whatever made it so.
    """

    booking_id: UUID
    scheduled_at: datetime
    ends_at: datetime
    was_scheduled_at: datetime
    was_ends_at: datetime
    late_min: int


class ClashOut(Struct, frozen=True):
    """A visit that would have to come `needs_min` later and cannot. `reason` is the rule of availability that is in the
    way; `proposed` is the start that is proposed to its customer instead, null where there is none or nobody to ask.
    """

    booking_id: UUID
    scheduled_at: datetime
    needs_min: int
    reason: str
    proposed: datetime | None


class LateOut(Struct, frozen=True):
    """What a delay of `minutes` makes of the visits, the earliest first.

    Where there are clashes, the visits come later only as far as that goes without an overlap, and the late one is
    `late_min` late in the calendar instead.
    """

    minutes: int
    late_min: int
    shifted: list[ShiftOut]
    clashes: list[ClashOut]


class BookingPage(Struct, frozen=True):
    items: list[BookingOut]
    next_cursor: str | None


class HistoryEntryOut(Struct, frozen=True):
    """One change. `actor_id` is null where Grome itself acted. Only an `undo` has `undoes`: what it took back."""

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
    answer_by: datetime | None
    undoes: Action | UnsetType = UNSET


class HistoryOut(Struct, frozen=True):
    """Everything that happened to a booking, oldest first."""

    items: list[HistoryEntryOut]


_AS_STORED = [name for name in BookingOut.__struct_fields__ if name not in {"house_call", "proposal"}]


def booking_out(booking: Booking) -> BookingOut:
    return BookingOut(
        **{name: getattr(booking, name) for name in _AS_STORED},
        house_call=house_call_out(booking.house_call) if booking.house_call else None,
        proposal=msgspec.convert(booking.proposal, ProposalOut | None, from_attributes=True),
    )


def house_call_out(call: HouseCall) -> HouseCallOut:
    return HouseCallOut(to_lat_lng(call.location), call.address, call.distance_m, call.travel_min)


def history_out(entries: list[HistoryEntry]) -> HistoryOut:
    return HistoryOut([_entry_out(entry) for entry in entries])


def _entry_out(entry: HistoryEntry) -> HistoryEntryOut:
    told = {name: getattr(entry, name) for name in HistoryEntryOut.__struct_fields__}
    return HistoryEntryOut(**{**told, "undoes": entry.undoes or UNSET})
