"""Payments of a booking: one document for each purpose, with its states, attempts, refunds and dispute."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta, Struct, field

from grome.common.money import Amount
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_ENTRIES: Final = 500
MAX_REFUNDS: Final = 20
_NAMESPACE: Final = UUID("6f1c2a3e-52c5-4a0e-9a0f-1d7a5f0b8c11")


class Purpose(StrEnum):
    """Names the part of a booking that a payment pays."""

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

    It stays until a final answer; only then there is a new `n`. `refund_id` names the refund of an operation `refund`.
    `is_manual`: an intent is captured later.
    """

    n: int
    op: Operation
    at: datetime
    amount: Amount = 0
    refund_id: UUID | None = None
    is_manual: bool = False

    def key_of(self, payment_id: UUID) -> str:
        """Return the idempotency key of the operation at Stripe."""
        return f"grome:{payment_id}:{self.op.value}:{self.n}"


class RefundState(StrEnum):
    """The states of a refund, by Stripe's names."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


CLOSED_DISPUTES: Final = frozenset({"won", "lost", "warning_closed", "prevented"})
# Refunds in these states count against the amount that is still refundable.
LIVE_REFUNDS: Final = frozenset({RefundState.PENDING, RefundState.REQUIRES_ACTION, RefundState.SUCCEEDED})


class Split(Struct, frozen=True, kw_only=True):
    """The sources of money that goes back to a customer: the held money, the barber, the commission, and Grome."""

    held: Amount = 0
    barber: Amount = 0
    commission: Amount = 0
    goodwill: Amount = 0

    @property
    def total(self) -> int:
        return self.held + self.barber + self.commission + self.goodwill


class Refund(Struct, frozen=True, kw_only=True):
    """A refund under an id of ours, so that two equal refunds stay two.

    `left_by` and `returned_by` are the balance transactions by which the money left Stripe's balance and, if the refund
    failed, came back. `by` is the admin, None for a refund by the rules. `key` is the client's idempotency key.
    """

    id: UUID
    amount: Amount
    split: Split
    state: RefundState
    reason: Annotated[str, Meta(max_length=300)]
    by: UUID | None
    at: datetime
    key: str | None = None
    stripe_id: str | None = None
    left_by: str | None = None
    returned_by: str | None = None
    failure: Annotated[str, Meta(max_length=300)] | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    """A dispute of the charge. `booked` are its balance transactions in the ledger; `split` is set once it is lost."""

    id: str
    status: str
    reason: str
    amount: Amount
    respond_by: datetime | None = None
    booked: Annotated[list[str], stored_items(at_most=10)] = []
    split: Split | None = None

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED_DISPUTES


class PaymentEntry(Struct, frozen=True, kw_only=True):
    """Records one change of a payment in the same write; the entries are the outbox. `version` has no gaps."""

    id: UUID
    version: int
    type: EventType
    state: PaymentState
    at: datetime
    amount: Amount = 0
    currency: str = ""
    actor_id: UUID | None = None
    note: Annotated[str, Meta(max_length=300)] = ""
    origin: RequestOrigin | None = None


class Payment(Struct, frozen=True, kw_only=True):
    """A payment, stored under an id that follows from booking and purpose: two requests cannot make two of them.

    `amount` is due; `received` was collected, before refunds. `released` is the part of it that went from the held
    money to barber and commission; `commission` is Grome's part of `released`. `commission_bp` are basis points, by the
    terms of the booking. `attempt` is the operation under way at Stripe, and `attempts` counts all operations.
    `check_at` is the time of the next look at the payment; None if nothing is left to do. `capture_by` ends an
    authorization. `fraud_warning` is set by an early fraud warning of the card's network.
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
    released: Amount = 0
    commission: Amount = 0
    commission_bp: int = 0
    stripe_customer: str
    intent_id: str | None = None
    setup_id: str | None = None
    method_id: str | None = None
    charge_id: str | None = None
    capture_by: datetime | None = None
    pay_by: datetime | None = None
    check_at: datetime | None = None
    failure: Annotated[str, Meta(max_length=300)] | None = None
    declines: int = 0
    paid_at: datetime | None = None
    fraud_warning: bool = False
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
    def charged_back(self) -> int:
        """Return the amount of a lost dispute."""
        return self.dispute.split.total if self.dispute and self.dispute.split else 0

    @property
    def kept(self) -> int:
        """Return the money that neither refunds nor a lost dispute took back."""
        return self.received - self.refunded - self.charged_back

    @property
    def splits(self) -> list[Split]:
        """List the sources of all money that went back or is going back."""
        lost = [self.dispute.split] if self.dispute and self.dispute.split else []
        return [*(refund.split for refund in self.refunds if refund.state in LIVE_REFUNDS), *lost]

    @property
    def held(self) -> int:
        """Return the money that is neither released nor given back."""
        return self.received - self.released - sum(split.held for split in self.splits)


class StripeCustomer(Struct, frozen=True, kw_only=True):
    """A customer's object at Stripe, under the id of the account. `default_card` is chosen by the customer."""

    id: UUID = field(name="_id")
    stripe_id: str
    default_card: str | None = None
    created_at: datetime


def payment_id_for(booking_id: UUID, purpose: Purpose) -> UUID:
    """Return the id of the one payment of a booking for a purpose."""
    return uuid5(_NAMESPACE, f"{booking_id}:{purpose.value}")


def refund_id_for(payment_id: UUID, key: str) -> UUID:
    """Return the id of the one refund of a payment under a key."""
    return uuid5(payment_id, key)
