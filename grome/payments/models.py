"""Payments of a booking: one document for each purpose, with its states, attempts, refunds and dispute."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta, Struct, field

from grome.common.money import Amount
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_ENTRIES: Final = 200
MAX_REFUNDS: Final = 20
_NAMESPACE: Final = UUID("6f1c2a3e-52c5-4a0e-9a0f-1d7a5f0b8c11")


class Purpose(StrEnum):
    DEPOSIT = "deposit"
    VISIT = "visit"
    TIP = "tip"
    FEE = "fee"  # of a late cancellation or a no-show, charged while the customer is away


class PaymentState(StrEnum):
    """The states of a payment.

    `scheduled`: a card is saved, and is charged before the visit. `lapsed`: not paid by its deadline. `failed`: the
    card was declined; another attempt is possible until `pay_by`.
    """

    NEEDS_METHOD = "needs_method"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SCHEDULED = "scheduled"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    CANCELED = "canceled"
    LAPSED = "lapsed"


COLLECTED: Final = frozenset({PaymentState.PAID, PaymentState.PART_REFUNDED, PaymentState.REFUNDED})
ENDED: Final = frozenset({PaymentState.REFUNDED, PaymentState.CANCELED, PaymentState.LAPSED})


class Mode(StrEnum):
    """How the money is taken: at once, reserved and captured after the visit, or from a card saved now."""

    CHARGE = "charge"
    AUTHORIZE = "authorize"
    SAVE_CARD = "save_card"


class Operation(StrEnum):
    """The operations at Stripe that a payment can have under way, one at a time."""

    CREATE = "create"  # an intent that the customer confirms in the app
    SET_UP = "set_up"  # saves a card
    CHARGE_SAVED = "charge_saved"  # an intent confirmed from the saved card, while the customer is away
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


class Attempt(Struct, frozen=True, kw_only=True):
    """An operation decided and stored before Stripe is called, under the key `grome:<payment>:<op>:<n>`.

    It stays until a final answer; only then there is a new `n`. `params_hash` detects that a repeat would send other
    parameters. `refund_id` names the refund of an operation `refund`.
    """

    n: int
    op: Operation
    at: datetime
    params_hash: str
    amount: Amount = 0
    refund_id: UUID | None = None


class RefundState(StrEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


# Refunds in these states count against the amount that is still refundable.
LIVE_REFUNDS: Final = frozenset({RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED})


class Refund(Struct, frozen=True, kw_only=True):
    """A refund under an id of ours, so that two equal refunds stay two. `goodwill` is the part that Grome bears."""

    id: UUID
    amount: Amount
    state: RefundState
    reason: str
    by: UUID | None
    at: datetime
    goodwill: bool = False
    stripe_id: str | None = None
    failure: str | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    id: str
    status: str
    reason: str
    amount: Amount
    respond_by: datetime | None = None


class PaymentEntry(Struct, frozen=True, kw_only=True):
    """Records one change of a payment in the same write; the entries are the outbox. `version` has no gaps."""

    id: UUID
    version: int
    type: EventType
    state: PaymentState
    at: datetime
    amount: Amount = 0
    note: Annotated[str, Meta(max_length=300)] = ""


class Payment(Struct, frozen=True, kw_only=True):
    """A payment, stored under an id that follows from booking and purpose: two requests cannot make two of them.

    `amount` is due; `received` was collected, before refunds. `commission_bp` are basis points of the commission, by
    the terms of the booking. `late` is set if money arrived after the booking ended or the payment lapsed.
    """

    id: UUID = field(name="_id")
    booking_id: UUID
    customer_id: UUID
    barber_id: UUID
    purpose: Purpose
    mode: Mode
    state: PaymentState
    amount: Amount
    currency: str
    received: Amount = 0
    commission_bp: int = 0
    stripe_customer: str | None = None
    intent_id: str | None = None
    setup_id: str | None = None
    method_id: str | None = None
    charge_id: str | None = None
    capture_by: datetime | None = None
    charge_at: datetime | None = None
    pay_by: datetime | None = None
    failure: Annotated[str, Meta(max_length=300)] | None = None
    released: bool = False
    late: bool = False
    attempt: Attempt | None = None
    attempts: int = 0
    refunds: Annotated[list[Refund], stored_items(at_most=MAX_REFUNDS)] = []
    dispute: Dispute | None = None
    history: Annotated[list[PaymentEntry], stored_items(at_most=MAX_ENTRIES)]
    version: Annotated[int, Meta(ge=1)] = 1
    created_at: datetime
    updated_at: datetime

    @property
    def refunded(self) -> int:
        """Sum the refunds that are under way or done."""
        return sum(refund.amount for refund in self.refunds if refund.state in LIVE_REFUNDS)

    @property
    def refundable(self) -> int:
        return self.received - self.refunded


def payment_id_for(booking_id: UUID, purpose: Purpose) -> UUID:
    """Return the id of the one payment of a booking for a purpose."""
    return uuid5(_NAMESPACE, f"{booking_id}:{purpose.value}")
