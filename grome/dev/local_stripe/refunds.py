"""Refunds of charges: at once, pending first, or failing later, as the card decides."""

from typing import Final

from stripe.params import (
    RefundCancelParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
    RefundUpdateParams,
)

from grome.dev.local_stripe.answers import page, select
from grome.dev.local_stripe.balance import NewLine, add_balance_transaction
from grome.dev.local_stripe.cards import card_of
from grome.dev.local_stripe.currencies import check_step
from grome.dev.local_stripe.customers import merge_metadata
from grome.dev.local_stripe.errors import Json, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id, schedule, task

# The time after which a pending refund succeeds, or a refund of a failing card fails.
OUTCOME_S: Final = 60


@route("POST", "/v1/refunds", RefundCreateParams)
def create_refund(call: Call) -> Json:
    params, state = call.params, call.state
    charge = _charge_of(state, params)
    if not charge["captured"]:
        raise invalid("This charge has not been captured, and cannot be refunded.", "charge_not_captured")
    rest = charge["amount_captured"] - charge["amount_refunded"]
    if rest <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    amount = params.get("amount", rest)
    check_step(amount, charge["currency"])
    if amount > rest:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})",
            "amount_too_large",
            "amount",
        )
    refund = _new_refund(state, charge, amount, params)
    behaviour = card_of(state.store.get("payment_method", charge["payment_method"])).refund
    if behaviour != "pending":
        _book(state, refund)
    if behaviour != "succeeds":
        schedule(state, state.now() + OUTCOME_S, f"refund_{behaviour}", refund["id"])
    refund["status"] = "pending" if behaviour == "pending" else "succeeded"
    _count(state, charge, amount)
    emit(state, "refund.created", state.store.put(refund))
    emit(state, "charge.refunded", charge)
    return refund


@route("GET", "/v1/refunds", RefundListParams)
def list_refunds(call: Call) -> Json:
    return page(call, select(call, "refund", "charge", "payment_intent"))


@route("GET", "/v1/refunds/{id}", RefundRetrieveParams)
def get_refund(call: Call) -> Json:
    return call.state.store.get("refund", call.id)


@route("POST", "/v1/refunds/{id}", RefundUpdateParams)
def update_refund(call: Call) -> Json:
    refund = call.state.store.get("refund", call.id)
    refund["metadata"] = merge_metadata(refund["metadata"], call.params)
    emit(call.state, "refund.updated", call.state.store.put(refund))
    return refund


@route("POST", "/v1/refunds/{id}/cancel", RefundCancelParams)
def cancel_refund(call: Call) -> Json:
    state = call.state
    refund = state.store.get("refund", call.id)
    if refund["status"] != "requires_action":
        raise invalid(f"A refund with the status {refund['status']} cannot be canceled.", "refund_unexpected_state")
    end_refund(state, refund, "canceled", None)
    return refund


@task("refund_pending")
def succeed_refund(state: State, refund_id: str) -> None:
    """Pay a pending refund."""
    refund = state.store.get("refund", refund_id)
    if refund["status"] != "pending":
        return
    _book(state, refund)
    refund["status"] = "succeeded"
    emit(state, "refund.updated", state.store.put(refund))


@task("refund_fails")
def fail_refund(state: State, refund_id: str) -> None:
    """Bring the money of a refund back, because the customer's bank rejects it."""
    refund = state.store.get("refund", refund_id)
    if refund["status"] in ("succeeded", "pending", "requires_action"):
        end_refund(state, refund, "failed", "lost_or_stolen_card")


def end_refund(state: State, refund: Json, status: str, reason: str | None) -> None:
    """End a refund as failed or canceled. Money that had left the balance comes back."""
    if refund["balance_transaction"]:
        line = NewLine("refund_failure", refund["amount"], refund["currency"], refund["id"])
        refund["failure_balance_transaction"] = add_balance_transaction(state, line)["id"]
    refund |= {"status": status, "failure_reason": reason}
    _count(state, state.store.get("charge", refund["charge"]), -refund["amount"])
    state.store.put(refund)
    if status == "failed":
        emit(state, "refund.failed", refund)
    emit(state, "refund.updated", refund)


def _charge_of(state: State, params: Json) -> Json:
    if charge_id := params.get("charge"):
        return state.store.get("charge", charge_id, "charge")
    if "payment_intent" not in params:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    intent = state.store.get("payment_intent", params["payment_intent"], "payment_intent")
    if not intent["latest_charge"] or intent["status"] != "succeeded":
        raise invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            "payment_intent_unexpected_state",
        )
    return state.store.get("charge", intent["latest_charge"])


def _new_refund(state: State, charge: Json, amount: int, params: Json) -> Json:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": state.now(),
        "currency": charge["currency"],
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": merge_metadata({}, params),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def _book(state: State, refund: Json) -> None:
    line = NewLine("refund", -refund["amount"], refund["currency"], refund["id"])
    refund["balance_transaction"] = add_balance_transaction(state, line)["id"]


def _count(state: State, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    state.store.put(charge)
