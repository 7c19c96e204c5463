"""Stripe's objects, reduced to the fields that Grome reads. All amounts are ISO 4217 minor units."""

from datetime import datetime

from msgspec import Struct


class BalanceLine(Struct, frozen=True, kw_only=True):
    """A movement of the platform's balance at Stripe (`txn_…`). `net` is `amount` less `fee`; amounts are signed.

    `type` is Stripe's, e.g. `charge`, `refund`, `refund_failure`, `transfer`, `transfer_refund`, `adjustment`,
    `payout`. `source` is the id of the object that caused the movement.
    """

    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str | None
    created: datetime


class Decline(Struct, frozen=True):
    """The reason for which a card was declined; `message` is Stripe's sentence for the customer."""

    code: str
    decline_code: str | None
    message: str


class StripeCharge(Struct, frozen=True, kw_only=True):
    """`capture_before` is the end of an authorization that was not captured yet. `balance` is None until captured."""

    id: str
    amount: int
    amount_captured: int
    amount_refunded: int
    capture_before: datetime | None
    disputed: bool
    balance: BalanceLine | None


class StripeIntent(Struct, frozen=True, kw_only=True):
    """A PaymentIntent with its newest charge.

    `status` is one of requires_payment_method, requires_confirmation, requires_action, processing, requires_capture,
    canceled, succeeded.
    """

    id: str
    status: str
    amount: int
    amount_received: int
    currency: str
    client_secret: str
    customer_id: str | None
    method_id: str | None
    last_error: Decline | None
    charge: StripeCharge | None
    metadata: dict[str, str]
    created: datetime


class StripeSetup(Struct, frozen=True, kw_only=True):
    """A SetupIntent: `succeeded` means that `method_id` may be charged while the customer is away."""

    id: str
    status: str
    client_secret: str
    customer_id: str | None
    method_id: str | None
    last_error: Decline | None
    metadata: dict[str, str]


class StripeCard(Struct, frozen=True, kw_only=True):
    """A payment method of a customer. `wallet` is e.g. `apple_pay`, or None."""

    id: str
    customer_id: str | None
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    wallet: str | None


class StripeRefund(Struct, frozen=True, kw_only=True):
    """`status` is one of pending, requires_action, succeeded, failed, canceled.

    `balance` is None until money has left the balance; `failure_balance` brings it back.
    """

    id: str
    status: str
    amount: int
    currency: str
    charge_id: str | None
    intent_id: str | None
    failure_reason: str | None
    balance: BalanceLine | None
    failure_balance: BalanceLine | None
    metadata: dict[str, str]


class StripeDispute(Struct, frozen=True, kw_only=True):
    """`status` is Stripe's: warning_…, needs_response, under_review, won, lost. `lines` are its balance movements."""

    id: str
    status: str
    reason: str
    amount: int
    currency: str
    charge_id: str
    intent_id: str | None
    respond_by: datetime | None
    lines: list[BalanceLine]


class StripeTransfer(Struct, frozen=True, kw_only=True):
    id: str
    amount: int
    amount_reversed: int
    currency: str
    destination: str
    balance: BalanceLine | None
    reversal_lines: list[BalanceLine]
    metadata: dict[str, str]
    created: datetime


class Requirement(Struct, frozen=True):
    """Information that Stripe asks of an account. `due` is `eventually`, `currently` or `past`."""

    name: str
    due: str
    deadline: datetime | None


class StripeAccount(Struct, frozen=True, kw_only=True):
    """A connected account (v2) with the recipient configuration. Transfers are allowed if `transfers` is `active`."""

    id: str
    transfers: str
    currency: str | None
    country: str | None
    requirements: list[Requirement]
    closed: bool


class StripeNotification(Struct, frozen=True):
    """A thin event: it names an object, and carries no state of it.

    `account_id` is set if it happened on a connected account.
    """

    id: str
    type: str
    created: datetime
    object_id: str | None
    object_type: str | None
    account_id: str | None = None
