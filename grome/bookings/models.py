"""What a booking is, its states, and who may move it from one to another."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.actor import Role
from grome.common.money import Amount


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
    """What a history entry tells of."""

    CREATE = "create"
    ACCEPT = "accept"
    DECLINE = "decline"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"


class Party(StrEnum):
    """Who did it: the roles, and Grome itself."""

    CUSTOMER = "customer"
    BARBER = "barber"
    ADMIN = "admin"
    SYSTEM = "system"


class Transition(Struct, frozen=True):
    """One legal move: from which states, to which, and by whom."""

    sources: frozenset[Status]
    target: Status
    parties: frozenset[Party]


_OPEN = frozenset({Status.REQUESTED, Status.ACCEPTED})
_REQUESTED = frozenset({Status.REQUESTED})
_BARBER = frozenset({Party.BARBER})

TRANSITIONS = {
    Action.ACCEPT: Transition(_REQUESTED, Status.ACCEPTED, _BARBER),
    Action.DECLINE: Transition(_REQUESTED, Status.CANCELLED, _BARBER),
    Action.START: Transition(frozenset({Status.ACCEPTED}), Status.IN_PROGRESS, _BARBER),
    Action.COMPLETE: Transition(frozenset({Status.IN_PROGRESS}), Status.COMPLETED, _BARBER),
    Action.CANCEL: Transition(_OPEN, Status.CANCELLED, frozenset({Party.CUSTOMER, Party.BARBER, Party.ADMIN})),
    Action.EXPIRE: Transition(_REQUESTED, Status.CANCELLED, frozenset({Party.SYSTEM})),
}
ENDED = frozenset({Status.COMPLETED, Status.CANCELLED})


class BookedService(Struct, frozen=True):
    """A service as it was offered when it was booked; later changes of the offer do not reach it."""

    service_id: UUID
    name: str
    price: Amount
    duration_min: int


class Payment(Struct, frozen=True):
    """`amount` is what the customer owes for the whole booking."""

    status: PaymentStatus
    amount: Amount
    currency: str


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One change of a booking, written by the same atomic write as the change itself.

    A booking's entries are its outbox: whatever follows from a change is derived from them, under the entry's `id`.
    `version` counts from 1 without gaps.
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


class Idempotency(Struct, frozen=True):
    """The client's key and a SHA-256 of what it asked for under it."""

    key: str
    fingerprint: bytes


class Booking(Struct, frozen=True, kw_only=True):
    """A booking. It occupies `ticks` (five-minute steps of Unix time, buffers included) while it is `active`.

    `version` is that of the newest history entry. A request that has no answer at `answer_by` expires; it is null where
    the barber takes bookings without being asked.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    services: list[BookedService]
    scheduled_at: datetime
    ends_at: datetime
    ticks: list[int]
    active: bool
    status: Status
    reason: Reason | None = None
    price: Amount
    currency: str
    payment: Payment
    version: Annotated[int, Meta(ge=1)]
    answer_by: datetime | None = None
    idempotency: Idempotency | None = None
    history: list[HistoryEntry]
    created_at: datetime


class StartingBooking(Struct, frozen=True, kw_only=True):
    """What of a booking whoever waits for its start needs, under the names that it has in `Booking`."""

    id: UUID = field(name="_id")
    customer_id: UUID
    scheduled_at: datetime


def party_of(role: Role) -> Party:
    return Party(role.value)


def reason_of(action: Action, party: Party) -> Reason | None:
    """The reason that a move into `cancelled` carries; None for the others."""
    match action:
        case Action.DECLINE:
            return Reason.DECLINED
        case Action.EXPIRE:
            return Reason.EXPIRED
        case Action.CANCEL:
            return Reason.SYSTEM if party is Party.ADMIN else Reason(party.value)
        case _:
            return None
