"""Define the requests and responses of bookings."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.barbers.models import Terms
from grome.bookings.models import (
    Action,
    BookedService,
    Booking,
    Guest,
    HistoryEntry,
    HouseCall,
    OnTheWay,
    Origin,
    Party,
    Payment,
    Reason,
    Settlement,
    Status,
)
from grome.common.clock import Instant
from grome.common.geo import LatLng, to_lat_lng
from grome.common.money import Amount
from grome.common.text import NAME, NOTE
from grome.infrastructure.http import PageQuery
from grome.promos.models import Discount, PromoCode

Note = Annotated[str, Meta(max_length=500), NOTE]

Version = Annotated[int, Meta(ge=1, le=1_000_000, description="The booking's version when it was read.")]
MAX_LATE_MIN: Final = 240
LateMin = Annotated[
    int,
    Meta(
        ge=5,
        le=MAX_LATE_MIN,
        multiple_of=5,
        description="Total minutes behind the agreed time, including earlier reports.",
    ),
]


class HouseCallIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes the location of a house call. Only the barber sees the address; travel follows from the location."""

    location: LatLng
    address: Annotated[str, Meta(min_length=1, max_length=300), NAME]


class VisitIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Describes the requested visit.

    The services are done in this order, one after the other, each with its add-ons.
    """

    barber_id: UUID
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    scheduled_at: Instant
    add_on_ids: Annotated[list[UUID], Meta(max_length=20)] = []
    house_call: HouseCallIn | None = None
    note: Note | None = None


class BookingIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Describes the requested visit.

    The services are done in this order, one after the other, each with its add-ons.
    """

    promo_code: PromoCode | None = None


class EndIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds a note to the other side, kept in the history."""

    note: Note | None = None


class CancelIn(EndIn, frozen=True, forbid_unknown_fields=True):
    """Holds a note to the other side and the cost shown by the preview.

    Nothing is cancelled if the cost has changed.
    """

    expected_fee: Amount | None = None
    expected_refund: Amount | None = None


class TipIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the tip on top of the price, in the currency of the booking; 0 for no tip."""

    amount: Amount


class NoteIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the note; null removes the note."""

    note: Note | None


class RebookIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Requests the same visit again at another time.

    Without `house_call`, the visit has the location of the earlier visit; null stands for the barber's shop.
    """

    scheduled_at: Instant
    house_call: HouseCallIn | UnsetType | None = UNSET
    note: Note | None = None


class RescheduleIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the new start, and a note to the other side.

    With `version`, the booking is rescheduled only if this is still its version.
    """

    scheduled_at: Instant
    version: Version | None = None
    note: Note | None = None


class ProposalAnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers the proposed time, with a note to the other side.

    With `version`, the answer counts only while the booking has this version: a second proposal replaces the first.
    """

    version: Version | None = None
    note: Note | None = None


class OtherTimesQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of the barber, first and last included, 31 at most."""

    first: date = field(name="from")
    last: date = field(name="to")


class LateIn(Struct, frozen=True, forbid_unknown_fields=True):
    minutes: LateMin


class LateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    minutes: LateMin


class BookingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Status | None = None


class HouseCallOut(Struct, frozen=True):
    """Describes a house call. `distance_m` is the straight-line distance; `travel_min` is the travel time each way."""

    location: LatLng
    address: str
    distance_m: float
    travel_min: int


class ProposalOut(Struct, frozen=True):
    """Describes another time for the visit, held beside the present time until it is answered or has lapsed.

    The party in `awaits` can answer before `answer_by`.
    """

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
    on_the_way: OnTheWay | None
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
    """Shows the cost to the customer of cancelling at the moment `at`.

    `fee` is the part of the price that is kept, `refund` the part of the paid amount that goes back, and `due` is still
    to be paid. Cancelling is free up to and including `free_until`, which is null if the cost does not depend on the
    time.
    """

    fee: int
    refund: int
    due: int
    currency: str
    free_until: datetime | None
    at: datetime


class NotesOut(Struct, frozen=True):
    """Holds the notes. Both sides see the customer's note; the barber's note is null for the customer."""

    customer_note: str | None
    barber_note: str | None


class ShiftOut(Struct, frozen=True):
    """Describes a visit that is shifted to a later time, with its previous time.

    `late_min` is its delay against the agreed time, from all causes.
    """

    booking_id: UUID
    scheduled_at: datetime
    ends_at: datetime
    was_scheduled_at: datetime
    was_ends_at: datetime
    late_min: int


class ClashOut(Struct, frozen=True):
    """Describes a visit that would have to be shifted by `needs_min` and cannot be.

    `reason` is the availability rule that forbids the shift. `proposed` is the start that is proposed to the customer
    instead, null if there is no free start or no customer to ask.
    """

    booking_id: UUID
    scheduled_at: datetime
    needs_min: int
    reason: str
    proposed: datetime | None


class LateOut(Struct, frozen=True):
    """Shows the effect of a delay of `minutes` on the visits, earliest first.

    If there are clashes, the visits are shifted only as far as possible without an overlap, and the late visit is
    `late_min` late in the calendar.
    """

    minutes: int
    late_min: int
    shifted: list[ShiftOut]
    clashes: list[ClashOut]


class BookingPage(Struct, frozen=True):
    items: list[BookingOut]
    next_cursor: str | None


class HistoryEntryOut(Struct, frozen=True):
    """Describes one change.

    `actor_id` is null for a change by Grome itself. Only an `undo` has `undoes`, the action undone. `payment` is the
    payment after a change of it by Grome.
    """

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
    payment: Payment | UnsetType = UNSET


class HistoryOut(Struct, frozen=True):
    """Lists all changes of a booking, oldest first."""

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
    fields = {name: getattr(entry, name) for name in HistoryEntryOut.__struct_fields__}
    return HistoryEntryOut(**{**fields, "undoes": entry.undoes or UNSET, "payment": entry.payment or UNSET})
