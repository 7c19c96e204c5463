"""Control routes for tests: faults, clock jumps, and views of the state. They need no key."""

from dataclasses import asdict

from grome.dev.local_stripe.balance import balance_of
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.faults import read_fault
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
