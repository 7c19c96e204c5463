"""Events of Stripe as they are stored, the handlers of their types, and the job."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct, field

from grome.infrastructure.jobs.models import JobKind, NewJob, Queue

EVENT_RETENTION: Final = timedelta(days=60)
# A try reads several objects at Stripe, each within the bound of a call. The retries span eight hours; reconciliation
# heals what is lost after that.
STRIPE_EVENT: Final = JobKind("stripe_event", Queue.URGENT, 120, (2, 10, 60, 300, 1_800, 7_200, 21_600))


class Outcome(StrEnum):
    """How an event ended. `unknown`: a type that this version does not list, which changes nothing."""

    HANDLED = "handled"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


class StripeEvent(Struct, frozen=True, kw_only=True):
    """An event under Stripe's id. `account_id` is set if it happened on a connected account."""

    id: str = field(name="_id")
    type: str
    object_id: str | None
    account_id: str | None = None
    created: datetime
    received_at: datetime
    processed_at: datetime | None = None
    outcome: Outcome | None = None
    tries: int = 0


class PaymentEvents(Protocol):
    """Handles events about money from customers: fetches the object, and may be called any number of times."""

    async def intent_changed(self, intent_id: str) -> None: ...
    async def setup_changed(self, setup_id: str) -> None: ...
    async def charge_changed(self, charge_id: str) -> None: ...
    async def refund_changed(self, refund_id: str) -> None: ...
    async def dispute_changed(self, dispute_id: str) -> None: ...
    async def fraud_warning(self, warning_id: str) -> None: ...


class TransferEvents(Protocol):
    """Handles events about transfers to barbers, on the same terms."""

    async def transfer_changed(self, transfer_id: str) -> None: ...


class AccountEvents(Protocol):
    """Handles events about barbers' accounts at Stripe, on the same terms.

    `bank_payout_paid` and `bank_payout_failed` are about the way of a barber's money from Stripe to the bank. Their
    facts are final, so they are not fetched.
    """

    async def account_changed(self, account_id: str) -> None: ...
    async def bank_payout_paid(self, account_id: str, at: datetime) -> None: ...
    async def bank_payout_failed(self, account_id: str, at: datetime) -> None: ...


def _types(prefix: str, *names: str) -> list[str]:
    return [f"{prefix}{name}" for name in names]


# Each handler with the types of events that it handles; the webhook at Stripe must send all of them.
HANDLED: Final[Mapping[str, list[str]]] = {
    "intent_changed": _types(
        "v1.payment_intent.",
        "amount_capturable_updated",
        "canceled",
        "payment_failed",
        "processing",
        "requires_action",
        "succeeded",
    ),
    "setup_changed": _types("v1.setup_intent.", "canceled", "setup_failed", "succeeded"),
    "charge_changed": _types("v1.charge.", "expired", "updated"),
    "refund_changed": _types("v1.refund.", "created", "failed", "updated"),
    "dispute_changed": _types(
        "v1.charge.dispute.", "closed", "created", "funds_reinstated", "funds_withdrawn", "updated"
    ),
    "fraud_warning": ["v1.radar.early_fraud_warning.created"],
    "transfer_changed": _types("v1.transfer.", "created", "reversed", "updated"),
    "account_changed": _types(
        "v2.core.account",
        ".closed",
        ".updated",
        "[configuration.recipient].capability_status_updated",
        "[configuration.recipient].updated",
        "[defaults].updated",
        "[future_requirements].updated",
        "[identity].updated",
        "[requirements].updated",
    ),
    "bank_payout_paid": ["v1.payout.paid"],
    "bank_payout_failed": ["v1.payout.failed"],
}
# Known types without a handler: the same fact has another type, or is none of ours.
IGNORED: Final = frozenset(
    [
        *_types("v1.payment_intent.", "created", "partially_funded"),
        *_types("v1.setup_intent.", "created", "requires_action"),
        *_types("v1.charge.", "captured", "failed", "pending", "refunded", "refund.updated", "succeeded"),
        *_types("v1.payment_method.", "attached", "automatically_updated", "detached", "updated"),
        *_types("v1.customer.", "created", "deleted", "updated"),
        *_types("v1.payout.", "canceled", "created", "reconciliation_completed", "updated"),
        *_types("v1.account.", "updated", "external_account.created", "external_account.updated"),
        *_types("v2.core.account", ".created", "_link.returned", "_person.created", "_person.updated"),
        "v1.balance.available",
        "v1.radar.early_fraud_warning.updated",
        "v2.core.event_destination.ping",
    ]
)
# Their events happen on a barber's own account.
BANK_HANDLERS: Final = frozenset({"bank_payout_paid", "bank_payout_failed"})
HANDLER_OF_TYPE: Final[Mapping[str, str]] = {kind: name for name, kinds in HANDLED.items() for kind in kinds}


def job_of(event: StripeEvent) -> NewJob:
    return NewJob(f"stripe:{event.id}", STRIPE_EVENT, {"event_id": event.id})
