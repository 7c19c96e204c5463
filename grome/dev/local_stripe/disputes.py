"""Disputes and early fraud warnings, opened by the card that was charged."""

from typing import Final

from stripe.params import DisputeCloseParams, DisputeListParams, DisputeRetrieveParams, DisputeUpdateParams
from stripe.params.radar import EarlyFraudWarningListParams, EarlyFraudWarningRetrieveParams

from grome.dev.local_stripe.answers import page, public, select
from grome.dev.local_stripe.balance import DAY_S, NewLine, add_balance_transaction
from grome.dev.local_stripe.customers import merge_metadata
from grome.dev.local_stripe.errors import Json, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id, schedule, task

_FEE: Final = 2000
_DUE_S: Final = 9 * DAY_S
# The time between the evidence and the bank's decision.
DECISION_S: Final = 60
_OPEN: Final = frozenset({"needs_response", "under_review", "warning_needs_response", "warning_under_review"})
_WARNING: Final = "radar.early_fraud_warning"


@route("GET", "/v1/disputes", DisputeListParams)
def list_disputes(call: Call) -> Json:
    return page(call, select(call, "dispute", "charge", "payment_intent"))


@route("GET", "/v1/disputes/{id}", DisputeRetrieveParams)
def get_dispute(call: Call) -> Json:
    return call.state.store.get("dispute", call.id)


@route("POST", "/v1/disputes/{id}", DisputeUpdateParams)
def update_dispute(call: Call) -> Json:
    """Give evidence: the texts `winning_evidence` and `losing_evidence` decide."""
    state, params = call.state, call.params
    dispute = state.store.get("dispute", call.id)
    if "needs_response" not in dispute["status"] and "evidence" in params:
        raise invalid(f"This dispute is {dispute['status']}: evidence comes too late.", "dispute_not_editable")
    evidence = params.get("evidence") or {}
    dispute["evidence"] |= evidence
    dispute["evidence_details"]["has_evidence"] = bool(dispute["evidence"])
    dispute["metadata"] = merge_metadata(dispute["metadata"], params)
    if evidence and params.get("submit", True):
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        dispute["evidence_details"]["submission_count"] += 1
        schedule(state, state.now() + DECISION_S, "decide_dispute", dispute["id"])
    emit(state, "charge.dispute.updated", state.store.put(dispute))
    return dispute


@route("POST", "/v1/disputes/{id}/close", DisputeCloseParams)
def close_dispute(call: Call) -> Json:
    """Accept a dispute as lost."""
    dispute = call.state.store.get("dispute", call.id)
    if dispute["status"] not in _OPEN:
        raise invalid("This dispute is already closed", "dispute_not_editable")
    end_dispute(call.state, dispute, won=False)
    return dispute


@route("GET", "/v1/radar/early_fraud_warnings", EarlyFraudWarningListParams)
def list_warnings(call: Call) -> Json:
    return page(call, select(call, _WARNING, "charge", "payment_intent"))


@route("GET", "/v1/radar/early_fraud_warnings/{id}", EarlyFraudWarningRetrieveParams)
def get_warning(call: Call) -> Json:
    return call.state.store.get(_WARNING, call.id)


@task("dispute_fraudulent")
def dispute_as_fraud(state: State, charge_id: str) -> None:
    """Open a dispute: the cardholder says that somebody else paid."""
    open_dispute(state, charge_id, "fraudulent")


@task("dispute_product_not_received")
def dispute_as_not_received(state: State, charge_id: str) -> None:
    """Open a dispute: the cardholder says that nothing was delivered."""
    open_dispute(state, charge_id, "product_not_received")


@task("dispute_inquiry")
def inquire(state: State, charge_id: str) -> None:
    """Open an inquiry, which withdraws no money."""
    open_dispute(state, charge_id, "fraudulent", inquiry=True)


@task("warn")
def warn(state: State, charge_id: str) -> None:
    """Record an early fraud warning about a charge."""
    charge = state.store.get("charge", charge_id)
    warning = {
        "id": new_id("issfr"),
        "object": _WARNING,
        "actionable": not charge["refunded"],
        "charge": charge_id,
        "created": state.now(),
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    emit(state, "radar.early_fraud_warning.created", state.store.put(warning))


@task("decide_dispute")
def decide_dispute(state: State, dispute_id: str) -> None:
    """End a dispute as its evidence, or the lack of it, decides."""
    dispute = state.store.get("dispute", dispute_id)
    if dispute["status"] in _OPEN:
        end_dispute(state, dispute, won="winning_evidence" in dispute["evidence"].values())


def open_dispute(state: State, charge_id: str, reason: str, *, inquiry: bool = False) -> Json:
    """Open a dispute about the rest of a charge. Unless it is an inquiry, the money and a fee leave the balance."""
    charge, now = state.store.get("charge", charge_id), state.now()
    amount = charge["amount_captured"] - charge["amount_refunded"]
    dispute: Json = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_id,
        "created": now,
        "currency": charge["currency"],
        "evidence": {},
        "evidence_details": {
            "due_by": now + _DUE_S,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    charge["disputed"] = True
    state.store.put(charge)
    emit(state, "charge.dispute.created", state.store.put(dispute))
    if not inquiry:
        _book(state, dispute, -amount, _FEE)
        emit(state, "charge.dispute.funds_withdrawn", dispute)
    schedule(state, now + _DUE_S, "decide_dispute", dispute["id"])
    return dispute


def end_dispute(state: State, dispute: Json, *, won: bool) -> None:
    """End a dispute or an inquiry. Won: money and fee come back."""
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
        won = False
    else:
        dispute["status"] = "won" if won else "lost"
    if won:
        _book(state, dispute, dispute["amount"], -_FEE)
    emit(state, "charge.dispute.closed", state.store.put(dispute))
    if won:
        emit(state, "charge.dispute.funds_reinstated", dispute)


def _book(state: State, dispute: Json, amount: int, fee: int) -> None:
    line = add_balance_transaction(state, NewLine("adjustment", amount, dispute["currency"], dispute["id"], fee))
    dispute["balance_transactions"].append(public(line) | {"status": "available"})
    state.store.put(dispute)
