"""`/_control/webhooks`: how tests disturb the delivery of events."""

from typing import NotRequired

from typing_extensions import TypedDict

from grome.dev.local_stripe.deliveries import deliver_all, faults_of, release, resend
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State
from grome.dev.local_stripe.validation import check_params


class WebhookFaults(TypedDict):
    """Faults to set; a fault that is not named stays.

    drop, double: so many of the coming events are lost, or sent twice. hold: events wait for a release. delay_s:
    events are sent later. paused: nothing is sent.
    """

    drop: NotRequired[int]
    double: NotRequired[int]
    hold: NotRequired[bool]
    paused: NotRequired[bool]
    delay_s: NotRequired[float]


class Release(TypedDict):
    seed: NotRequired[int]


class EventId(TypedDict):
    id: str


@route("GET", "/_control/webhooks", access="open")
def get_faults(call: Call) -> Json:
    """Return the faults, and the number of events that still wait."""
    return _told(call.state)


@route("POST", "/_control/webhooks", access="open")
def set_faults(call: Call) -> Json:
    call.state.store.put({**faults_of(call.state), **check_params(call.params, WebhookFaults, form=True)})
    return _told(call.state)


@route("POST", "/_control/webhooks/release", access="open")
def release_held(call: Call) -> Json:
    """Send all held events in a random order, and hold no more."""
    number = release(call.state, check_params(call.params, Release, form=True).get("seed", 0))
    call.state.store.put({**faults_of(call.state), "hold": False})
    return {"sent": number}


@route("POST", "/_control/webhooks/deliver_all", access="open")
def deliver_everything(call: Call) -> Json:
    """Send all events that were not delivered, dropped events too."""
    return {"sent": deliver_all(call.state)}


@route("POST", "/_control/webhooks/resend", access="open")
def resend_event(call: Call) -> Json:
    params = check_params(call.params, EventId, form=True)
    resend(call.state, call.state.store.get("v2.core.event", params["id"]))
    return {"sent": 1}


def _told(state: State) -> Json:
    faults = {key: value for key, value in faults_of(state).items() if key not in {"id", "object"}}
    return {**faults, "waiting": sum(1 for _ in state.store.newest("_waiting"))}
