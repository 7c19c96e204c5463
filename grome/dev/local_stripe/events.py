"""Events: each change that Stripe tells the platform about is recorded as a thin event."""

from typing import Final

from grome.dev.local_stripe.clock import iso
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.state import State, new_id

# The events about objects of v1, without the prefix `v1.` of their thin form.
_V1: Final = frozenset(
    {
        "charge.captured",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.expired",
        "charge.failed",
        "charge.refunded",
        "charge.succeeded",
        "charge.updated",
        "customer.created",
        "customer.deleted",
        "customer.updated",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
        "radar.early_fraud_warning.created",
        "refund.created",
        "refund.failed",
        "refund.updated",
        "setup_intent.canceled",
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
        "transfer.created",
        "transfer.reversed",
        "transfer.updated",
        "payout.created",
        "payout.failed",
        "payout.paid",
        "payout.reconciliation_completed",
    }
)
_V2: Final = frozenset(
    {
        "v2.core.account.closed",
        "v2.core.account.created",
        "v2.core.account.updated",
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[requirements].updated",
    }
)
# All types of events that the server can emit, as they stand in a notification.
EMITTED: Final = frozenset({f"v1.{name}" for name in _V1} | _V2)
# The folder of each kind of object below `/v1/`, where it is not the kind with an s.
_FOLDERS: Final = {
    "radar.early_fraud_warning": "/v1/radar/early_fraud_warnings",
    "v2.core.account": "/v2/core/accounts",
}


def emit(state: State, name: str, obj: Json, context: str | None = None) -> Json:
    """Record an event about an object and tell the listeners. `context` is the connected account, if it happened there.

    The name is e.g. `charge.succeeded`, or begins with `v2.`.
    """
    kind = name if name.startswith("v2.") else f"v1.{name}"
    if kind not in EMITTED:
        raise LookupError(f"{kind} is not in EMITTED")
    now = state.now()
    event = {
        "id": new_id("evt"),
        "object": "v2.core.event",
        "type": kind,
        "created": iso(now),
        "livemode": False,
        "context": context,
        "reason": None,
        "related_object": {"id": obj["id"], "type": obj["object"], "url": url_of(obj)},
        "_at": now,
    }
    state.store.put(event)
    for listener in state.listeners:
        listener(event)
    return event


def url_of(obj: Json) -> str:
    kind = obj["object"]
    return f"{_FOLDERS.get(kind, f'/v1/{kind}s')}/{obj['id']}"
