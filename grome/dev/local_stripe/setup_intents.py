"""SetupIntents: save a card for charges while the customer is away."""

import secrets

from stripe.params import (
    SetupIntentCancelParams,
    SetupIntentConfirmParams,
    SetupIntentCreateParams,
    SetupIntentListParams,
    SetupIntentRetrieveParams,
)

from grome.dev.local_stripe.answers import page, select
from grome.dev.local_stripe.confirming import CONFIRMABLE, Confirmation, confirm, method_for
from grome.dev.local_stripe.customers import merge_metadata
from grome.dev.local_stripe.errors import Json, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import new_id


@route("POST", "/v1/setup_intents", SetupIntentCreateParams)
def create_setup(call: Call) -> Json:
    params, state = call.params, call.state
    if customer := params.get("customer"):
        state.store.get("customer", customer, "customer")
    setup_id, kinds = new_id("seti"), params.get("allowed_payment_method_types")
    setup: Json = {
        "id": setup_id,
        "object": "setup_intent",
        "allowed_payment_method_types": kinds,
        "application": None,
        "automatic_payment_methods": params.get("automatic_payment_methods"),
        "cancellation_reason": None,
        "client_secret": f"{setup_id}_secret_{secrets.token_hex(12)}",
        "created": state.now(),
        "customer": customer or None,
        "description": params.get("description"),
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": merge_metadata({}, params),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": kinds or ["card", "link"],
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    if params.get("payment_method") or params.get("payment_method_data"):
        method = method_for(state, setup, params)
        setup |= {"payment_method": method["id"], "status": "requires_confirmation"}
    emit(state, "setup_intent.created", state.store.put(setup))
    if params.get("confirm"):
        confirm(state, setup, Confirmation(method_for(state, setup, params), return_url=params.get("return_url")))
    return setup


@route("GET", "/v1/setup_intents", SetupIntentListParams)
def list_setups(call: Call) -> Json:
    return page(call, select(call, "setup_intent", "customer", "payment_method"))


@route("GET", "/v1/setup_intents/{id}", SetupIntentRetrieveParams, access="client")
def get_setup(call: Call) -> Json:
    return call.state.store.get("setup_intent", call.id)


@route("POST", "/v1/setup_intents/{id}/confirm", SetupIntentConfirmParams, access="client")
def confirm_setup(call: Call) -> Json:
    setup = call.state.store.get("setup_intent", call.id)
    method = method_for(call.state, setup, call.params)
    confirm(call.state, setup, Confirmation(method, return_url=call.params.get("return_url")))
    return setup


@route("POST", "/v1/setup_intents/{id}/cancel", SetupIntentCancelParams)
def cancel_setup(call: Call) -> Json:
    setup = call.state.store.get("setup_intent", call.id)
    if setup["status"] not in CONFIRMABLE:
        raise invalid(
            f"This SetupIntent cannot be canceled because it has a status of {setup['status']}.",
            "setup_intent_unexpected_state",
        )
    setup |= {
        "status": "canceled",
        "next_action": None,
        "cancellation_reason": call.params.get("cancellation_reason"),
    }
    emit(call.state, "setup_intent.canceled", call.state.store.put(setup))
    return setup
