"""Define bookings, their states, and the parties that may change one state to another."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field, structs

from grome.barbers.models import Terms
from grome.common.actor import Role
from grome.common.geo import GeoPoint
from grome.common.money import Amount
from grome.infrastructure.mongo.schema import stored_items
from grome.promos.models import Discount
from grome.scheduling.offers import ChosenService


class Status(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a booking ended as `cancelled`."""

    DECLINED = "declined"
    EXPIRED = "expired"
    CUSTOMER = "customer"
    BARBER = "barber"
    NO_SHOW = "no_show"
    SYSTEM = "system"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUNDED = "refunded"


class Action(StrEnum):
    """Names the action that a history entry records."""

    CREATE = "create"
    OFFER = "offer"  # Grome made the booking from a waitlist, and its customer has yet to say yes
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    NO_SHOW = "no_show"
    RESCHEDULE = "reschedule"  # the visit has another time from here on
    PROPOSE = "propose"  # another time is held beside the present one until the other side answers
    REJECT = "reject"  # the other side does not want the proposed time
    WITHDRAW = "withdraw"
    LAPSE = "lapse"  # nobody answered the proposal
    DELAY = "delay"  # the barber is late, which moved this visit
    UNDO = "undo"  # the barber took back a start or a no-show
    TIP = "tip"
    NOTE = "note"


class Origin(StrEnum):
    """How a booking came to be."""

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


_OPEN = frozenset({Status.REQUESTED, Status.ACCEPTED})
_REQUESTED, _ACCEPTED = frozenset({Status.REQUESTED}), frozenset({Status.ACCEPTED})
_BARBER = frozenset({Party.BARBER})
_SIDES = frozenset({Party.CUSTOMER, Party.BARBER})

TRANSITIONS = {
    # A customer's yes to an offer leads on to the barber where the barber has yet to agree (`lifecycle.py`).
    Action.ACCEPT: Transition(_REQUESTED, Status.ACCEPTED, _SIDES, is_answer=True),
    Action.DECLINE: Transition(_REQUESTED, Status.CANCELLED, _SIDES, is_answer=True),
    Action.START: Transition(_ACCEPTED, Status.IN_PROGRESS, _BARBER),
    Action.COMPLETE: Transition(frozenset({Status.IN_PROGRESS}), Status.COMPLETED, _BARBER),
    Action.NO_SHOW: Transition(_ACCEPTED, Status.CANCELLED, _BARBER),
    Action.CANCEL: Transition(_OPEN, Status.CANCELLED, frozenset({Party.CUSTOMER, Party.BARBER, Party.ADMIN})),
    Action.EXPIRE: Transition(_REQUESTED, Status.CANCELLED, frozenset({Party.SYSTEM})),
    # Only of a start or a no-show that is the newest move (`undo.py`).
    Action.UNDO: Transition(frozenset({Status.IN_PROGRESS, Status.CANCELLED}), Status.ACCEPTED, _BARBER),
}
# These entries stand beside the life of a booking: no rule about its newest move or message depends on them.
ANNOTATIONS = frozenset({Action.NOTE, Action.TIP})


# Ten services of eight hours, twenty add-ons of two, buffers, the longest way of a house call, and a delay make 2,900.
MAX_TICKS: Final = 4_000


class BookedAddOn(Struct, frozen=True):
    id: UUID
    name: str
    price: Amount
    duration_min: int


class BookedService(Struct, frozen=True):
    """A service as it was offered when it was booked; later changes of the offer do not reach it.

    Price and duration are its own, to which those of its add-ons come.
    """

    service_id: UUID
    name: str
    price: Amount
    duration_min: int
    add_ons: Annotated[list[BookedAddOn], stored_items(at_most=20)] = []

    @property
    def total_price(self) -> int:
        """With the add-ons."""
        return self.price + sum(add_on.price for add_on in self.add_ons)

    @property
    def total_min(self) -> int:
        """With the add-ons."""
        return self.duration_min + sum(add_on.duration_min for add_on in self.add_ons)


class Payment(Struct, frozen=True):
    """Holds the `amount` that the customer owes for the whole booking, and the part `paid` to Grome.

    `deposit` is the part of `amount` that is due at once. `tip` comes on top.
    """

    status: PaymentStatus
    amount: Amount
    currency: str
    deposit: Amount = 0
    paid: Amount = 0
    tip: Amount = 0


class Settlement(Struct, frozen=True):
    """Holds the customer's cost of a cancellation: `fee` is kept, `refund` goes back, `due` is still to be paid."""

    fee: Amount
    refund: Amount
    due: Amount


class HouseCall(Struct, frozen=True):
    """Where the barber goes; `distance_m` as the crow flies, `travel_min` there and as much back."""

    location: GeoPoint
    address: str
    distance_m: float
    travel_min: int


class Guest(Struct, frozen=True):
    """Somebody without an account, as the barber wrote them down."""

    name: str


class Proposal(Struct, frozen=True, kw_only=True):
    """Another time for the visit, held beside the present one until `awaits` answers or `answer_by` has passed.

    `ticks` are all that the visit would occupy there, and `instead_of` all that it occupies now; the two may share
    some.
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
    `undo` took back.
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


class Idempotency(Struct, frozen=True):
    """Holds the client's key and a SHA-256 of the request made under the key."""

    key: str
    fingerprint: bytes


# The most history entries; `history_limits.py` keeps repeatable actions well below this.
MAX_ENTRIES: Final = 350


class Booking(Struct, frozen=True, kw_only=True):
    """A booking occupies `ticks` (five-minute steps of Unix time, buffers included) while it is `active`.

    `ticks` include the ticks held for a proposal, and `early_ticks`, which a visit that began early claims in addition
    to the agreed ticks; undoing the start releases `early_ticks`. Negative ticks are seats under daily caps
    (`grome/scheduling/daily_caps.py`). `version` is the version of the newest history entry. A request waits for the
    party in `awaits`, and expires if there is no answer at `answer_by`, unless a proposal is open; both fields are null
    while no answer is awaited. `late_min` is the delay against the agreed time, by the barber's fault. A booking has a
    customer or a guest. `price` is the price of the services less the discount. `terms` are the barber's terms at the
    time of booking. `first_answer` is stored if the request may be repeated, and is loaded only for a repeat.
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
    price: Amount
    discount: Discount | None = None
    currency: str
    payment: Payment
    settlement: Settlement | None = None
    terms: Terms = Terms()
    customer_note: str | None = None
    barber_note: str | None = None
    version: Annotated[int, Meta(ge=1)]
    idempotency: Idempotency | None = None
    first_answer: bytes | None = None
    history: Annotated[list[HistoryEntry], stored_items(at_most=MAX_ENTRIES)]
    created_at: datetime


class UpcomingBooking(Struct, frozen=True, kw_only=True):
    """Holds the fields of a booking needed before its start, under the names in `Booking`."""

    id: UUID = field(name="_id")
    customer_id: UUID
    scheduled_at: datetime


def to_booked_service(chosen: ChosenService) -> BookedService:
    offer = chosen.offer
    extras = [BookedAddOn(extra.id, extra.name, extra.price, extra.duration_min) for extra in chosen.add_ons]
    return BookedService(offer.service_id, offer.name, offer.price, offer.duration_min, extras)


# After these the visit has the time that their entry names.
TIME_CHANGING = frozenset({Action.CREATE, Action.OFFER, Action.RESCHEDULE, Action.DELAY})


def snapshot_at_version(booking: Booking, version: int) -> Booking | None:
    """Return the booking as of a version: state, time and awaited party; None if it never had this version.

    Names, notes and amounts are the current values, without later additions: tip and settlement.
    """
    entry = next((one for one in booking.history if one.version == version), None)
    if entry is None:
        return None
    times = [one.scheduled_at for one in booking.history[:version] if one.action in TIME_CHANGING and one.scheduled_at]
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
        payment=booking.payment if is_newest else structs.replace(booking.payment, tip=0),
        settlement=booking.settlement if is_newest else None,
    )


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
    """The reason that a move into `cancelled` carries; None for the others."""
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
