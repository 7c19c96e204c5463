"""Define bookings, their states, and the legal transitions between states."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field, structs

from grome.barbers.models import BasisPoints, Terms
from grome.catalogue.models import ShownService
from grome.common.actor import Role
from grome.common.geo import GeoPoint
from grome.common.money import Amount
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import MAX_CHANGES, Change
from grome.promos.models import Discount
from grome.scheduling.offers import ChosenService


class Status(StrEnum):
    """States the progress of a booking: a request, an agreed visit, a visit that takes place, or its end."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Names the reason for the status `cancelled`."""

    DECLINED = "declined"
    EXPIRED = "expired"
    CUSTOMER = "customer"
    BARBER = "barber"
    NO_SHOW = "no_show"
    SYSTEM = "system"


class PaymentStatus(StrEnum):
    """Sums up the payments of a booking; the amounts tell how much."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"


class Action(StrEnum):
    """Names the action that a history entry records."""

    CREATE = "create"
    OFFER = "offer"  # created by Grome for a waiting customer, pending acceptance
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    NO_SHOW = "no_show"
    RESCHEDULE = "reschedule"  # the visit has a new time
    PROPOSE = "propose"  # another time is held beside the present time until the other side answers
    REJECT = "reject"  # the other side declined the proposed time
    WITHDRAW = "withdraw"
    LAPSE = "lapse"  # the proposal was not answered in time
    DELAY = "delay"  # the barber is late, so the visit was shifted
    UNDO = "undo"  # the barber took back a start or a no-show
    TIP = "tip"
    NOTE = "note"
    PAY = "pay"  # money was received or given back, or a payment failed
    SET_OUT = "set_out"  # the barber is on the way to a house call
    TURN_BACK = "turn_back"  # the barber took back the setting out
    ARRIVE = "arrive"  # Grome noticed that the barber is at the customer's door


class Origin(StrEnum):
    """Names the feature that created a booking."""

    DIRECT = "direct"
    ANY_BARBER = "any_barber"
    REBOOK = "rebook"
    SERIES = "series"
    WAITLIST = "waitlist"
    WALK_IN = "walk_in"


class Party(StrEnum):
    """Names the author of a change: one of the roles, or Grome itself."""

    CUSTOMER = "customer"
    BARBER = "barber"
    ADMIN = "admin"
    SYSTEM = "system"


class Transition(Struct, frozen=True):
    """Defines a legal transition: source states, target state and parties.

    Only the awaited party can answer a request.
    """

    sources: frozenset[Status]
    target: Status
    parties: frozenset[Party]
    is_answer: bool = False


ENDED = frozenset({Status.COMPLETED, Status.CANCELLED})
_OPEN = frozenset({Status.REQUESTED, Status.ACCEPTED})
_REQUESTED, _ACCEPTED = frozenset({Status.REQUESTED}), frozenset({Status.ACCEPTED})
_BARBER = frozenset({Party.BARBER})
_SIDES = frozenset({Party.CUSTOMER, Party.BARBER})

TRANSITIONS = {
    # After a customer accepts an offer, the request awaits the barber if the barber has yet to accept (`lifecycle.py`).
    Action.ACCEPT: Transition(_REQUESTED, Status.ACCEPTED, _SIDES, is_answer=True),
    Action.DECLINE: Transition(_REQUESTED, Status.CANCELLED, _SIDES, is_answer=True),
    Action.START: Transition(_ACCEPTED, Status.IN_PROGRESS, _BARBER),
    Action.COMPLETE: Transition(frozenset({Status.IN_PROGRESS}), Status.COMPLETED, _BARBER),
    Action.NO_SHOW: Transition(_ACCEPTED, Status.CANCELLED, _BARBER),
    Action.CANCEL: Transition(_OPEN, Status.CANCELLED, frozenset({Party.CUSTOMER, Party.BARBER, Party.ADMIN})),
    Action.EXPIRE: Transition(_OPEN, Status.CANCELLED, frozenset({Party.SYSTEM})),
    # Only a start or a no-show that is the newest transition can be undone (`undo.py`).
    Action.UNDO: Transition(frozenset({Status.IN_PROGRESS, Status.CANCELLED}), Status.ACCEPTED, _BARBER),
}
# Entries that add to a booking without changing its status or time; rules about the newest entry skip them.
TRIP_ACTIONS = frozenset({Action.SET_OUT, Action.TURN_BACK, Action.ARRIVE})
ANNOTATIONS = frozenset({Action.NOTE, Action.TIP, Action.PAY}) | TRIP_ACTIONS


# Ten services of 8 hours, twenty add-ons of 2 hours, buffers, the longest travel and a delay take 2,900 ticks.
MAX_TICKS: Final = 4_000


class BookedAddOn(Struct, frozen=True):
    """Holds a copy of an add-on as it was offered at the time of booking."""

    id: UUID
    """Id of the add-on in the barber's profile; it may have been removed since."""
    name: Annotated[str, Meta(examples=["Hot towel shave"])]
    """Name at the time of booking."""
    price: Amount
    """In minor units, on top of the price of the service."""
    duration_min: int
    """Minutes on top of the duration of the service; 0 if it takes no time."""


class BookedService(Struct, frozen=True):
    """Holds a copy of a service as it was offered at the time of booking."""

    service_id: UUID
    """Id of the service in the catalogue."""
    name: ShownService
    """Name at the time of booking."""
    price: Amount
    """In minor units, without the add-ons."""
    duration_min: int
    """Minutes, without the add-ons."""
    add_ons: Annotated[list[BookedAddOn], stored_items(at_most=20)] = []
    """Chosen add-ons of this service; empty for none."""

    @property
    def total_price(self) -> int:
        """Sum the prices of the service and its add-ons."""
        return self.price + sum(add_on.price for add_on in self.add_ons)

    @property
    def total_min(self) -> int:
        """Sum the durations of the service and its add-ons."""
        return self.duration_min + sum(add_on.duration_min for add_on in self.add_ons)


class Payment(Struct, frozen=True):
    """Holds the amount that the customer owes for the whole booking, and the amounts received and given back."""

    status: PaymentStatus
    """`completed` once the price, or the fee of a cancelled booking, is paid."""
    amount: Amount
    """Price of the visit in minor units, less the discount, without the tip."""
    currency: str
    """Currency of all amounts here."""
    deposit: Amount = 0
    """Part of `amount` that is due first, in minor units; 0 for none."""
    paid: Amount = 0
    """Minor units received for the visit, deposit included, tip excluded, before refunds."""
    tip: Amount = 0
    """Minor units on top of `amount`, as the customer has set; 0 for none."""
    refunded: Amount = 0
    """Minor units of `paid` that went back to the customer."""
    tip_paid: Amount = 0
    """Minor units of `tip` that were received."""
    pay_by: datetime | None = None
    """The booking expires if the deposit is not paid by then; null if no deposit is awaited."""


class Settlement(Struct, frozen=True):
    """Holds the customer's cost of a cancellation or no-show, in minor units of the booking's currency."""

    fee: Amount
    """Part of the price that is kept; 0 if the end costs nothing."""
    refund: Amount
    """Paid money that goes back to the customer."""
    due: Amount
    """Part of the fee that the customer has still to pay."""


class HouseCall(Struct, frozen=True):
    """Holds the place of a house call; `distance_m` is the straight-line distance, `travel_min` the time each way."""

    location: GeoPoint
    address: str
    distance_m: float
    travel_min: int


class OnTheWay(Struct, frozen=True):
    """Describes the trip of a barber to a house call."""

    since: datetime
    """Time at which the barber set out."""
    arrived_at: datetime | None = None
    """Time of arrival at the customer's door; null until then."""


class Guest(Struct, frozen=True):
    """Names a customer without an account, as entered by the barber."""

    name: Annotated[str, Meta(examples=["Tom"])]
    """Seen by the barber and by admins."""


class Proposal(Struct, frozen=True, kw_only=True):
    """Holds another time for a visit beside the present time, until `awaits` answers or `answer_by` has passed.

    `ticks` are all ticks that the visit would occupy at this time, and `instead_of` all ticks that it occupies now; the
    two lists may overlap.
    """

    scheduled_at: datetime
    ends_at: datetime
    ticks: Annotated[list[int], stored_items(at_most=MAX_TICKS)]
    instead_of: Annotated[list[int], stored_items(at_most=MAX_TICKS)]
    awaits: Party
    answer_by: datetime


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """Records one change of a booking, in the same atomic write as the change itself.

    The entries of a booking are its outbox: all effects of a change are derived from its entry, under the entry's `id`.
    `version` counts from 1 without gaps. `scheduled_at` is the time that the change concerns: the first, the new or the
    proposed time. `answer_by` is the deadline of the answer that the change asks for. `undoes` is the action that an
    `undo` took back. `payment` is the payment after a change of it by Grome. `origin` and `changes` are for the audit
    trail.
    """

    id: UUID
    version: int
    action: Action
    status: Status
    by: Party
    actor_id: UUID | None
    at: datetime
    reason: Reason | None = None
    note: str | None = None
    scheduled_at: datetime | None = None
    answer_by: datetime | None = None
    undoes: Action | None = None
    payment: Payment | None = None
    origin: RequestOrigin | None = None
    changes: Annotated[tuple[Change, ...], stored_items(at_most=MAX_CHANGES)] = ()


class Idempotency(Struct, frozen=True):
    """Holds the client's key and a SHA-256 of the request made under the key."""

    key: str
    fingerprint: bytes


class BookingKey(Idempotency, frozen=True, omit_defaults=True):
    """Holds the key of a booking's request, and the end of the lease if the key was claimed (`key_claims`)."""

    leased_until: datetime | None = None


# The most history entries; `history_limits.py` keeps repeatable actions well below this.
MAX_ENTRIES: Final = 350


class Booking(Struct, frozen=True, kw_only=True):
    """Occupies `ticks` (five-minute steps of Unix time, buffers included) while it is `active`.

    `ticks` include the ticks held for a proposal, and `early_ticks`, which a visit that began early claims in addition
    to the agreed ticks; undoing the start releases `early_ticks`. Negative ticks are seats under daily caps
    (`grome/scheduling/daily_caps.py`). `version` is the version of the newest history entry. A request waits for the
    party in `awaits`, and expires if there is no answer at `answer_by`, unless a proposal is open; both fields are null
    while no answer is awaited. `late_min` is the delay against the agreed time, by the barber's fault. `on_the_way` is
    set while the barber of an accepted house call is on the way, or waits at the door. A booking has a customer or a
    guest. `price` is the price of the services less the discount. `terms` are the barber's terms at the time of
    booking, and `commission_bp` is Grome's commission in basis points; neither changes later. `first_answer` is stored
    if the request may be repeated, and is loaded only for a repeat.
    """

    id: UUID = field(name="_id")
    customer_id: UUID | None
    guest: Guest | None = None
    barber_id: UUID
    origin: Origin = Origin.DIRECT
    series_id: UUID | None = None
    services: Annotated[list[BookedService], stored_items(at_most=10)]
    scheduled_at: datetime
    ends_at: datetime
    house_call: HouseCall | None = None
    ticks: Annotated[list[int], stored_items(at_most=2 * MAX_TICKS)]  # with those of a proposal
    early_ticks: Annotated[list[int], stored_items(at_most=MAX_TICKS)] = []
    active: bool
    status: Status
    reason: Reason | None = None
    awaits: Party | None = None
    answer_by: datetime | None = None
    proposal: Proposal | None = None
    late_min: int = 0
    on_the_way: OnTheWay | None = None
    price: Amount
    discount: Discount | None = None
    currency: str
    payment: Payment
    settlement: Settlement | None = None
    terms: Terms = Terms()
    commission_bp: BasisPoints = 0
    customer_note: str | None = None
    barber_note: str | None = None
    version: Annotated[int, Meta(ge=1)]
    idempotency: BookingKey | None = None
    first_answer: bytes | None = None
    history: Annotated[list[HistoryEntry], stored_items(at_most=MAX_ENTRIES)]
    created_at: datetime


class BookingSides(Struct, frozen=True):
    """Names the two sides of a booking; a guest's booking has no customer."""

    id: UUID = field(name="_id")
    customer_id: UUID | None
    barber_id: UUID


class UpcomingBooking(Struct, frozen=True, kw_only=True):
    """Holds the fields of a booking needed before its start, under the names in `Booking`."""

    id: UUID = field(name="_id")
    customer_id: UUID
    scheduled_at: datetime


def to_booked_service(chosen: ChosenService) -> BookedService:
    offer = chosen.offer
    extras = [BookedAddOn(extra.id, extra.name, extra.price, extra.duration_min) for extra in chosen.add_ons]
    return BookedService(offer.service_id, offer.name, offer.price, offer.duration_min, extras)


# Actions whose history entry holds the new time of the visit.
TIME_CHANGING = frozenset({Action.CREATE, Action.OFFER, Action.RESCHEDULE, Action.DELAY})


def snapshot_at_version(booking: Booking, version: int) -> Booking | None:
    """Return the booking as of a version: state, time and awaited party; None if it never had this version.

    Names, notes and amounts are the current values, without later additions: payments, tip and settlement.
    """
    entry = next((each for each in booking.history if each.version == version), None)
    if entry is None:
        return None
    earlier = (each for each in booking.history[:version] if each.action in TIME_CHANGING)
    times = [each.scheduled_at for each in earlier if each.scheduled_at]
    start = times[-1] if times else booking.scheduled_at
    is_newest = version == booking.version
    return structs.replace(
        booking,
        status=entry.status,
        reason=entry.reason,
        version=version,
        scheduled_at=start,
        ends_at=start + (booking.ends_at - booking.scheduled_at),
        awaits=booking.awaits if is_newest else _awaited_party(entry),
        answer_by=booking.answer_by if is_newest else entry.answer_by,
        proposal=booking.proposal if is_newest else None,
        late_min=booking.late_min if is_newest else 0,
        on_the_way=_on_the_way_at(booking, version),
        payment=booking.payment if is_newest else _payment_at(booking, version),
        settlement=booking.settlement if is_newest else None,
    )


def _payment_at(booking: Booking, version: int) -> Payment:
    known = (entry.payment for entry in reversed(booking.history[:version]) if entry.payment)
    payment = booking.payment
    return next(known, None) or Payment(PaymentStatus.PENDING, payment.amount, payment.currency, payment.deposit)


def _on_the_way_at(booking: Booking, version: int) -> OnTheWay | None:
    trip: OnTheWay | None = None
    status = Status.REQUESTED
    for entry in booking.history[:version]:
        if entry.action is Action.SET_OUT:
            trip = OnTheWay(entry.at)
        elif entry.action is Action.ARRIVE and trip:
            trip = structs.replace(trip, arrived_at=entry.at)
        elif entry.action is Action.TURN_BACK or ends_trip(entry.action, status, entry.status):
            trip = None
        status = entry.status
    return trip


def ends_trip(action: Action, before: Status, after: Status) -> bool:
    """Return whether a change of a booking ends the trip of the barber: another status or another time."""
    return before is not after or action is Action.RESCHEDULE


def find_newest_entry(booking: Booking, *actions: Action) -> HistoryEntry | None:
    """Return the newest history entry with one of these actions, or None."""
    return next((entry for entry in reversed(booking.history) if entry.action in actions), None)


def _awaited_party(entry: HistoryEntry) -> Party | None:
    if entry.status is not Status.REQUESTED or entry.answer_by is None:
        return None
    return Party.CUSTOMER if entry.action is Action.OFFER else Party.BARBER


def party_of(role: Role) -> Party:
    return Party(role.value)


def cancellation_reason(action: Action, party: Party) -> Reason | None:
    """Return the reason that a transition to `cancelled` records; None for other actions."""
    match action:
        case Action.DECLINE:
            return Reason.DECLINED
        case Action.EXPIRE:
            return Reason.EXPIRED
        case Action.NO_SHOW:
            return Reason.NO_SHOW
        case Action.CANCEL:
            return Reason.SYSTEM if party is Party.ADMIN else Reason(party.value)
        case _:
            return None
