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
from grome.infrastructure.http import NextCursor, PageQuery
from grome.promos.models import Discount, PromoCode

Note = Annotated[str, Meta(max_length=500, examples=["Please ring twice."]), NOTE]
# In answers, where no rule for new notes applies.
ShownNote = Annotated[str, Meta(examples=["Please ring twice."])]

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
    """Describes the place of a house call."""

    location: LatLng
    """Position of the door; the travel time follows from it."""
    address: Annotated[str, Meta(min_length=1, max_length=300, examples=["Torstr. 12, 3rd floor, bell Haddad"]), NAME]
    """Street, floor and bell; both sides of the booking and admins see it."""


class VisitIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Describes the requested visit.

    The services are done in this order, one after the other, each with its add-ons.
    """

    barber_id: UUID
    """Id of the barber, from a search or `GET /v1/nearby`."""
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    """Ids of the barber's services, in the order of the visit."""
    scheduled_at: Instant
    """Start of the visit; a `start` of `GET /v1/barbers/{barber_id}/slots`."""
    add_on_ids: Annotated[list[UUID], Meta(max_length=20)] = []
    """Ids of add-ons to these services."""
    house_call: HouseCallIn | None = None
    """Place of a house call; null or omitted for a visit in the shop."""
    note: Note | None = None
    """Shown to the barber; can be changed until the visit ends."""


class BookingIn(VisitIn, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Describes the requested visit.

    The services are done in this order, one after the other, each with its add-ons.
    """

    promo_code: PromoCode | None = None
    """The discount shows in the answer; a code that does not apply is an error."""


class EndIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds a note to the other side."""

    note: Note | None = None
    """Kept in the history, which both sides read."""


class CancelIn(EndIn, frozen=True, forbid_unknown_fields=True):
    """Holds a note to the other side, and the cost shown by the preview."""

    expected_fee: Amount | None = None
    """The `fee` of the preview; nothing is cancelled if the fee has changed."""
    expected_refund: Amount | None = None
    """The `refund` of the preview; nothing is cancelled if the refund has changed."""


class TipIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the tip on top of the price; replaces an earlier tip."""

    amount: Amount
    """In minor units of the booking's currency; 0 for no tip."""


class NoteIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets your own note."""

    note: Note | None
    """Replaces your earlier note; null removes it."""


class RebookIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Requests the same visit again at another time."""

    scheduled_at: Instant
    """Start of the new visit; a free start of the same barber and services."""
    house_call: HouseCallIn | UnsetType | None = UNSET
    """Omitted for the place of the earlier visit; null for the barber's shop."""
    note: Note | None = None
    """Shown to the barber; the note of the earlier visit is not copied."""


class RescheduleIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the new start, and a note to the other side."""

    scheduled_at: Instant
    """New start; a `start` of `GET /v1/bookings/{booking_id}/slots`."""
    version: Version | None = None
    """The booking is rescheduled only if this is still its version."""
    note: Note | None = None
    """Kept in the history, which both sides read."""


class ProposalAnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers the proposed time."""

    version: Version | None = None
    """Version with the proposal that you read; a second proposal replaces the first under a new version."""
    note: Note | None = None
    """Kept in the history, which both sides read."""


class OtherTimesQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of the barber."""

    first: date = field(name="from")
    """First date in the barber's zone, included."""
    last: date = field(name="to")
    """Last date in the barber's zone, included; at most 31 dates."""


class LateIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Reports a delay of a visit."""

    minutes: LateMin
    """Minutes behind the agreed time in all, earlier reports included."""


class LateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    minutes: LateMin
    """Minutes behind the agreed time in all, earlier reports included."""


class BookingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Status | None = None
    """Only bookings in this state; all bookings without it."""


class HouseCallOut(Struct, frozen=True):
    """Describes a house call."""

    location: LatLng
    """Position of the customer's door."""
    address: Annotated[str, Meta(examples=["Torstr. 12, 3rd floor, bell Haddad"])]
    """As the customer wrote it; seen by both sides and by admins."""
    distance_m: float
    """Metres from the shop in a straight line."""
    travel_min: int
    """Minutes of travel each way, which the barber's calendar keeps free."""


class ProposalOut(Struct, frozen=True):
    """Describes another time for the visit, held beside the present time until it is answered or has lapsed."""

    scheduled_at: datetime
    """Proposed start."""
    ends_at: datetime
    """Proposed end."""
    awaits: Party
    """Party that must answer; the other party may withdraw the proposal."""
    answer_by: datetime
    """Moment before which the answer must come; without an answer the present time stays."""


class BookingOut(Struct, frozen=True):
    """Describes a booking as both sides and admins see it."""

    id: UUID
    """Id of the booking; the path parameter `booking_id`."""
    status: Status
    """A request is `requested` until it is answered; `completed` and `cancelled` are final."""
    reason: Reason | None
    """Reason of the cancellation; null unless the booking is cancelled."""
    customer_id: UUID | None
    """Id of the customer's account; null for a guest."""
    guest: Guest | None
    """Customer without an account, entered by the barber; null for an account."""
    barber_id: UUID
    """Id of the barber."""
    origin: Origin
    """Feature that created the booking."""
    series_id: UUID | None
    """Series that the visit belongs to; null for a single visit."""
    services: list[BookedService]
    """Copies of the services at the time of booking, in the order of the visit."""
    scheduled_at: datetime
    """Present start; a delay or a new time changes it."""
    ends_at: datetime
    """Present end, without the barber's buffers."""
    house_call: HouseCallOut | None
    """Place of a house call; null for a visit in the shop."""
    awaits: Party | None
    """Party that the request waits for; null while no answer is awaited."""
    answer_by: datetime | None
    """The request expires without an answer by then; null while no answer is awaited."""
    proposal: ProposalOut | None
    """Another time that one side has proposed; null unless an answer is open."""
    late_min: int
    """Minutes behind the agreed time, by the barber's fault."""
    on_the_way: OnTheWay | None
    """Trip of the barber to an accepted house call; null unless the barber has set out."""
    price: int
    """Price of the services with add-ons, less the discount, in minor units; without the tip."""
    discount: Discount | None
    """Discount of the promo code; null without a code."""
    currency: str
    """Currency of all amounts of the booking."""
    payment: Payment
    """Sums of money owed, received and given back."""
    settlement: Settlement | None
    """Cost of a cancelled booking to the customer; null until it is cancelled."""
    terms: Terms
    """Cancellation policy and deposit of the barber at the time of booking."""
    customer_note: ShownNote | None
    """Note of the customer to the barber; null for none."""
    version: int
    """Grows by one with each change; send it where a request takes a `version`."""
    created_at: datetime
    """Time of the booking."""


class CancellationOut(Struct, frozen=True):
    """Shows the cost to the customer of cancelling now, in minor units."""

    fee: int
    """Part of the price that is kept; send it as `expected_fee`."""
    refund: int
    """Paid money that goes back; send it as `expected_refund`."""
    due: int
    """Part of the fee that the customer has still to pay."""
    currency: str
    """Currency of the amounts."""
    free_until: datetime | None
    """Last moment of free cancellation, also if it has passed; null if time does not matter."""
    at: datetime
    """Moment of this calculation."""


class NotesOut(Struct, frozen=True):
    """Holds the notes of a booking."""

    customer_note: ShownNote | None
    """Seen by both sides and by admins; null for none."""
    barber_note: Annotated[str, Meta(examples=["Prefers scissors."])] | None
    """Seen by the barber and admins only; null for the customer, and for none."""


class ShiftOut(Struct, frozen=True):
    """Describes a visit that is shifted to a later time."""

    booking_id: UUID
    """Id of the shifted booking."""
    scheduled_at: datetime
    """Start after the shift."""
    ends_at: datetime
    """End after the shift."""
    was_scheduled_at: datetime
    """Start before the shift."""
    was_ends_at: datetime
    """End before the shift."""
    late_min: int
    """Minutes behind the agreed time after the shift, from all causes."""


class ClashOut(Struct, frozen=True):
    """Describes a visit that the delay would have to shift, and cannot."""

    booking_id: UUID
    """Id of the booking, which keeps its time."""
    scheduled_at: datetime
    """Present start."""
    needs_min: int
    """Minutes by which the visit would have to be shifted."""
    reason: Annotated[str, Meta(examples=["time_off"])]
    """Code of the availability rule that forbids the shift, such as `closed` or `time_off`."""
    proposed: datetime | None
    """Start proposed to the customer instead; null without a free start or without an account."""


class LateOut(Struct, frozen=True):
    """Shows the effect of a delay on the visits, earliest first."""

    minutes: int
    """Minutes that were reported."""
    late_min: int
    """Minutes by which the late visit is late in the calendar; fewer than reported if visits clash."""
    shifted: list[ShiftOut]
    """Visits with a new time, the late visit included."""
    clashes: list[ClashOut]
    """Visits that cannot be shifted as far as needed."""


class BookingPage(Struct, frozen=True):
    """Holds a page of bookings."""

    items: list[BookingOut]
    """Latest start first."""
    next_cursor: NextCursor


class HistoryEntryOut(Struct, frozen=True):
    """Describes a change of a booking."""

    id: UUID
    """Id of the change, and of the event about it."""
    version: int
    """Version of the booking after the change; the first is 1."""
    action: Action
    """The change that was made."""
    status: Status
    """Status of the booking after the change."""
    by: Party
    """Author of the change: a side, an admin or Grome."""
    actor_id: UUID | None
    """Id of the author's account; null for a change by Grome."""
    at: datetime
    """Time of the change."""
    reason: Reason | None
    """Reason of a cancellation; null for other changes."""
    note: ShownNote | None
    """Note of the author to the other side; null for none."""
    scheduled_at: datetime | None
    """Start that the change is about: the first, new or proposed start; null for none."""
    answer_by: datetime | None
    """Deadline of the answer that the change asks for; null for none."""
    undoes: Action | UnsetType = UNSET
    """Action that an `undo` took back; absent for other changes."""
    payment: Payment | UnsetType = UNSET
    """Payment after a change of it by Grome; absent for other changes."""


class HistoryOut(Struct, frozen=True):
    """Lists all changes of a booking; there are no further pages."""

    items: list[HistoryEntryOut]
    """Oldest change first."""


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
