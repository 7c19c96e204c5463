"""Payments, cards and refunds on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.money import MOST_AMOUNT
from grome.common.text import NOTE
from grome.infrastructure.http.paging import PageQuery
from grome.infrastructure.stripe.models import StripeCard
from grome.payments.models import Payment, PaymentState, Purpose, Refund, RefundState


class PaymentIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Starts a payment. `amount`, in minor units, is for a tip only; without it, the tip of the booking is paid."""

    purpose: Literal["deposit", "visit", "tip"]
    amount: Annotated[int, Meta(ge=1, le=MOST_AMOUNT, description="Minor units of the currency.")] | None = None


class RefundIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Refunds `amount`. With `goodwill`, Grome bears the part that the barber has earned already."""

    amount: Annotated[int, Meta(ge=1, le=MOST_AMOUNT, description="Minor units of the currency.")]
    reason: Annotated[str, Meta(min_length=3, max_length=300), NOTE]
    goodwill: bool = False


class ReasonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason of an action on money, for the history and the audit trail."""

    reason: Annotated[str, Meta(min_length=3, max_length=300), NOTE]


class RefundOut(Struct, frozen=True):
    """A refund; only `succeeded` means that the money has arrived."""

    id: UUID
    amount: int
    status: RefundState
    reason: str
    at: datetime


class DisputeOut(Struct, frozen=True):
    status: str
    reason: str
    amount: int
    respond_by: datetime | None


class PaymentOut(Struct, frozen=True):
    """A payment of a booking. Amounts are minor units of `currency`.

    `received` is the money collected, before refunds. `pay_by` is the deadline, if there is one. `failure` is the
    bank's reason for the last decline.
    """

    id: UUID
    booking_id: UUID
    purpose: Purpose
    status: PaymentState
    amount: int
    currency: str
    received: int
    refunded: int
    pay_by: datetime | None
    failure: str | None
    refunds: list[RefundOut]
    dispute: DisputeOut | None
    created_at: datetime


class PaymentStarted(Struct, frozen=True):
    """A payment with the values that Stripe's mobile SDK needs to confirm it.

    `kind` is `payment`, or `setup` if a card is saved now and charged 48 hours before the visit. `client_secret` is
    null if nothing is to be confirmed. `customer_session` lets the SDK offer the customer's saved cards.
    """

    id: UUID
    purpose: Purpose
    status: PaymentState
    amount: int
    currency: str
    kind: Literal["payment", "setup"]
    client_secret: str | None
    publishable_key: str
    customer: str
    customer_session: str | None
    pay_by: datetime | None
    failure: str | None


class PaymentList(Struct, frozen=True):
    items: list[PaymentStarted]


class PaymentQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: PaymentState | None = None


class PaymentPage(Struct, frozen=True):
    items: list[PaymentOut]
    next_cursor: str | None


class CardOut(Struct, frozen=True):
    """A saved card. `wallet` names a phone's wallet, e.g. `apple_pay`. `is_default`: charged while you are away."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    wallet: str | None
    is_default: bool


class CardPage(Struct, frozen=True):
    items: list[CardOut]


class CardSetupOut(Struct, frozen=True):
    """The values that Stripe's mobile SDK needs to save a card."""

    client_secret: str
    publishable_key: str
    customer: str


def payment_out(payment: Payment) -> PaymentOut:
    dispute = payment.dispute
    return PaymentOut(
        id=payment.id,
        booking_id=payment.booking_id,
        purpose=payment.purpose,
        status=payment.state,
        amount=payment.amount,
        currency=payment.currency,
        received=payment.received,
        refunded=payment.refunded,
        pay_by=payment.pay_by,
        failure=payment.failure,
        refunds=[refund_out(refund) for refund in payment.refunds],
        dispute=DisputeOut(dispute.status, dispute.reason, dispute.amount, dispute.respond_by) if dispute else None,
        created_at=payment.created_at,
    )


def refund_out(refund: Refund) -> RefundOut:
    return RefundOut(refund.id, refund.amount, refund.state, refund.reason, refund.at)


def card_out(card: StripeCard, *, is_default: bool) -> CardOut:
    return CardOut(card.id, card.brand, card.last4, card.exp_month, card.exp_year, card.wallet, is_default=is_default)
