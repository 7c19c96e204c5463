"""Control routes for tests: faults, clock jumps, and views of the state. They need no key."""

from dataclasses import asdict

from grome.dev.local_stripe.authentication import find_intent
from grome.dev.local_stripe.balance import balance_of
from grome.dev.local_stripe.cards import find_card
from grome.dev.local_stripe.confirming import Confirmation, confirm
from grome.dev.local_stripe.disputes import end_dispute, open_dispute
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.faults import read_fault
from grome.dev.local_stripe.payment_methods import new_method, use_method
from grome.dev.local_stripe.refunds import end_refund
from grome.dev.local_stripe.routing import Call, route


@route("POST", "/_control/faults", access="open")
def add_fault(call: Call) -> Json:
    """Add a rule that breaks calls; `faults.Fault` has its fields."""
    call.state.faults.append(read_fault(call.params))
    return {"faults": [asdict(fault) for fault in call.state.faults]}


@route("DELETE", "/_control/faults", access="open")
def remove_faults(call: Call) -> Json:
    call.state.faults.clear()
    return {"faults": []}


@route("POST", "/_control/clock", access="open")
def move_clock(call: Call) -> Json:
    """Move the clock by `advance_s`, or to `now` in epoch seconds, and run everything that is due by then."""
    state = call.state
    state.advance(call.params["now"] - state.now() if "now" in call.params else call.params.get("advance_s", 0))
    return {"now": state.now()}


@route("GET", "/_control/summary", access="open")
def summarize(call: Call) -> Json:
    return {"now": call.state.now(), "balance": balance_of(call.state), "counts": call.state.store.counts()}


@route("GET", "/_control/calls", access="open")
def list_calls(call: Call) -> Json:
    """List the API calls since the process started: method, path, key, status (null: no reply), fault, replayed."""
    return {"calls": list(call.state.calls)}


@route("POST", "/_control/pay", access="open")
def pay(call: Call) -> Json:
    """Confirm an intent or setup as the customer's app does: `{"intent", "number" | "payment_method"}`."""
    state, params = call.state, call.params
    intent = find_intent(state, params["intent"])
    if number := params.get("number"):
        method = new_method(state, find_card(number), {}, None)
    else:
        method = use_method(state, params["payment_method"])
    confirm(state, intent, Confirmation(method, return_url=params.get("return_url")))
    return intent


@route("POST", "/_control/disputes", access="open")
def control_dispute(call: Call) -> Json:
    """Open a dispute about a charge, `{"charge", "reason", "inquiry"}`, or end one, `{"dispute", "won"}`."""
    state, params = call.state, call.params
    if "dispute" in params:
        dispute = state.store.get("dispute", params["dispute"])
        end_dispute(state, dispute, won=params["won"])
        return dispute
    return open_dispute(
        state, params["charge"], params.get("reason", "fraudulent"), inquiry=params.get("inquiry", False)
    )


@route("POST", "/_control/refunds", access="open")
def control_refund(call: Call) -> Json:
    """Let a refund fail, or a pending refund wait for the customer: `{"id", "status": failed or requires_action}`."""
    state, status = call.state, call.params["status"]
    refund = state.store.get("refund", call.params["id"])
    if status == "failed":
        end_refund(state, refund, status, "declined")
    elif refund["status"] == "pending":
        refund["status"] = status
        emit(state, "refund.updated", state.store.put(refund))
    return refund
