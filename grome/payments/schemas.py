"""Payments, cards and refunds on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.money import MOST_AMOUNT
from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor
from grome.infrastructure.http.paging import PageQuery
from grome.infrastructure.stripe.models import StripeCard
from grome.payments.models import Payment, PaymentState, Purpose, Refund, RefundState

MoneyReason = Annotated[str, Meta(min_length=3, max_length=300, examples=["The customer was charged twice."]), NOTE]
DeclineText = Annotated[str, Meta(examples=["Your card was declined."])]
ClientSecret = Annotated[str, Meta(examples=["pi_example_secret_example"])]
PublishableKey = Annotated[str, Meta(examples=["pk_test_example"])]
StripeCustomerId = Annotated[str, Meta(examples=["cus_example"])]


class PaymentIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Starts a payment of a booking."""

    purpose: Literal["deposit", "visit", "tip"]
    """The part to pay: the `deposit`, the rest of the price (`visit`), or a `tip` after the visit."""
    amount: Annotated[int, Meta(ge=1, le=MOST_AMOUNT)] | None = None
    """Only for a tip, in minor units: sets the tip of the booking. Without it, the booking's tip is paid."""


class RefundIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Refunds a part or all of a payment."""

    amount: Annotated[int, Meta(ge=1, le=MOST_AMOUNT)]
    """At most the amount that is still refundable, in minor units of the payment's currency."""
    reason: MoneyReason
    """For the history and the audit trail; the customer sees it with the refund."""
    goodwill: bool = False
    """If true, Grome bears the part that the barber has earned already; otherwise the barber does."""


class ReasonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason of an action on money, for the history and the audit trail."""

    reason: MoneyReason
    """Why the payment is given up, for the history and the audit trail."""


class RefundOut(Struct, frozen=True):
    """A refund; only `succeeded` means that the money has arrived."""

    id: UUID
    """Identifies the refund among the refunds of the payment."""
    amount: int
    """Amount that goes back, in minor units of the payment's currency."""
    status: RefundState
    """Only `succeeded` means that the money has arrived; `failed`: it came back to Grome."""
    reason: Annotated[str, Meta(examples=["The customer was charged twice."])]
    """Reason that an admin gave, or the rule of Grome that refunded."""
    at: datetime
    """Time at which the refund was started."""


class DisputeOut(Struct, frozen=True):
    """A dispute that the cardholder opened at the bank."""

    status: Annotated[str, Meta(examples=["needs_response"])]
    """Status at Stripe, e.g. `needs_response`, `under_review`, `won` or `lost`."""
    reason: Annotated[str, Meta(examples=["fraudulent"])]
    """Reason that the cardholder gave the bank, in Stripe's words, e.g. `fraudulent`."""
    amount: int
    """Disputed amount, in minor units of the payment's currency."""
    respond_by: datetime | None
    """Deadline for Grome's evidence; null if no evidence is awaited."""


class PaymentOut(Struct, frozen=True):
    """A payment of a booking with its refunds and its dispute."""

    id: UUID
    """Id of the payment; the path parameter `payment_id`."""
    booking_id: UUID
    """Booking that is paid; it has at most one payment for each purpose."""
    purpose: Purpose
    """A `fee` of a late cancellation or a no-show is charged by Grome, without the app."""
    status: PaymentState
    """Only `paid`, `part_refunded` and `refunded` mean that money was collected."""
    amount: int
    """Amount due, in minor units of `currency`."""
    currency: str
    """ISO 4217 code of the booking's currency; holds for all amounts of the payment."""
    received: int
    """Money collected so far, before refunds, in minor units; 0 while only authorized."""
    refunded: int
    """Sum of the refunds that are done or under way, in minor units."""
    pay_by: datetime | None
    """Unless paid by then, the payment lapses and the booking expires; null without a deadline."""
    failure: DeclineText | None
    """The bank's reason for the last decline, in words for the customer; null if none."""
    refunds: list[RefundOut]
    """All refunds, oldest first, also those that failed."""
    dispute: DisputeOut | None
    """The dispute that the cardholder opened at the bank; null if there is none."""
    created_at: datetime
    """Time at which the payment was started."""


class PaymentStarted(Struct, frozen=True):
    """A payment with the values that Stripe's mobile SDK needs to confirm it."""

    id: UUID
    """Id of the payment; the path parameter `payment_id`, e.g. to refresh it after the app has confirmed it."""
    purpose: Purpose
    """The part of the booking that is paid."""
    status: PaymentState
    """Confirm in the app while it is `needs_method`, `requires_action` or `failed`."""
    amount: int
    """Amount to charge, in minor units of `currency`."""
    currency: str
    """ISO 4217 code of the booking's currency."""
    kind: Literal["payment", "setup"]
    """`payment`: confirm a PaymentIntent. `setup`: a SetupIntent; the card is charged 48 hours before the visit."""
    client_secret: ClientSecret | None
    """Secret of Stripe's intent, for the SDK in the app; null if nothing is to be confirmed."""
    publishable_key: PublishableKey
    """Stripe's public key, with which the app initialises the SDK."""
    customer: StripeCustomerId
    """The customer's id at Stripe, for the SDK."""
    customer_session: Annotated[str, Meta(examples=["cuss_secret_example"])] | None
    """Secret that lets the SDK offer the saved cards; null if nothing is to be confirmed."""
    pay_by: datetime | None
    """Show as the deadline: unpaid, the booking then expires; null without a deadline."""
    failure: DeclineText | None
    """The bank's reason for the last decline, in words for the customer; null if none."""


class PaymentList(Struct, frozen=True):
    """Holds the payments of a booking."""

    items: list[PaymentStarted]
    """The payments of the booking, one for each purpose."""


class PaymentQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: PaymentState | None = None
    """Only payments in this state."""


class PaymentPage(Struct, frozen=True):
    """Holds a page of payments, newest first."""

    items: list[PaymentOut]
    """Payments that you may see, newest first."""
    next_cursor: NextCursor


class CardOut(Struct, frozen=True):
    """A saved card."""

    id: Annotated[str, Meta(examples=["pm_example"])]
    """Id of the card; the path parameter `card_id`."""
    brand: Annotated[str, Meta(examples=["visa"])]
    """Card network as Stripe names it, e.g. `visa`."""
    last4: Annotated[str, Meta(examples=["4242"])]
    """The last four digits of the card number."""
    exp_month: int
    """Month in which the card expires, 1 to 12."""
    exp_year: int
    """Year in which the card expires, with four digits."""
    wallet: Annotated[str, Meta(examples=["apple_pay"])] | None
    """Wallet of the phone that holds the card, e.g. `apple_pay`; null for a plain card."""
    is_default: bool
    """Whether this card is charged while you are away, e.g. for a no-show."""


class CardPage(Struct, frozen=True):
    """Holds your saved cards."""

    items: list[CardOut]
    """Your saved cards, newest first."""


class CardSetupOut(Struct, frozen=True):
    """The values that Stripe's mobile SDK needs to save a card."""

    client_secret: ClientSecret
    """Secret of Stripe's SetupIntent, for the SDK in the app."""
    publishable_key: PublishableKey
    """Stripe's public key, with which the app initialises the SDK."""
    customer: StripeCustomerId
    """Your customer id at Stripe, for the SDK."""


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
