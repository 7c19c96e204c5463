"""PaymentIntents: create, confirm, capture, cancel."""

import secrets
from typing import Final

from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentCaptureParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
    PaymentIntentUpdateParams,
)

from grome.dev.local_stripe.answers import page, select
from grome.dev.local_stripe.charges import release
from grome.dev.local_stripe.confirming import CONFIRMABLE, Confirmation, collect, confirm, method_for
from grome.dev.local_stripe.currencies import check_charge, check_currency, check_step
from grome.dev.local_stripe.customers import merge_metadata
from grome.dev.local_stripe.errors import Json, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id

_CANCELABLE: Final = CONFIRMABLE | {"requires_capture", "processing"}
_COPIED: Final = (
    "amount_details", "application_fee_amount", "description", "on_behalf_of", "payment_method_options",
    "receipt_email", "setup_future_usage", "shipping", "statement_descriptor", "statement_descriptor_suffix",
    "transfer_data", "transfer_group",
)  # fmt: skip


@route("POST", "/v1/payment_intents", PaymentIntentCreateParams)
def create_intent(call: Call) -> Json:
    params, state = call.params, call.state
    if "off_session" in params and not params.get("confirm"):
        raise invalid("off_session may only be passed with confirm=true.", "parameter_unknown", "off_session")
    intent = _new_intent(state, params)
    method = method_for(state, intent, params) if _names_method(params) else None
    if params.get("confirm"):
        _check_return_url(intent, params)
    state.store.put(intent)
    emit(state, "payment_intent.created", intent)
    if method:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if params.get("confirm"):
        confirm(state, intent, _confirmation(method or method_for(state, intent, params), params))
    return intent


@route("GET", "/v1/payment_intents", PaymentIntentListParams)
def list_intents(call: Call) -> Json:
    return page(call, select(call, "payment_intent", "customer"))


@route("GET", "/v1/payment_intents/{id}", PaymentIntentRetrieveParams, access="client")
def get_intent(call: Call) -> Json:
    return call.state.store.get("payment_intent", call.id)


@route("POST", "/v1/payment_intents/{id}", PaymentIntentUpdateParams)
def update_intent(call: Call) -> Json:
    """Change an intent that has not been paid."""
    state, params = call.state, call.params
    intent = state.store.get("payment_intent", call.id)
    if intent["status"] not in CONFIRMABLE and params.keys() - {"metadata", "description"}:
        raise _unexpected(intent, "update")
    if "amount" in params:
        check_charge(params["amount"], intent["currency"])
        intent["amount"] = params["amount"]
    intent |= {name: params[name] for name in (*_COPIED, "customer") if name in params}
    intent["metadata"] = merge_metadata(intent["metadata"], params)
    if _names_method(params):
        intent["payment_method"] = method_for(state, intent, params)["id"]
        intent["status"] = "requires_confirmation"
    return state.store.put(intent)


@route("POST", "/v1/payment_intents/{id}/confirm", PaymentIntentConfirmParams, access="client")
def confirm_intent(call: Call) -> Json:
    """Confirm an intent: the platform by its secret key, or an app by a publishable key and the client secret."""
    params, state = call.params, call.state
    intent = state.store.get("payment_intent", call.id)
    if not call.by_client:
        _check_return_url(intent, params)
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected(intent, "confirm")
    intent |= {name: params[name] for name in ("setup_future_usage", "receipt_email") if name in params}
    confirm(state, intent, _confirmation(method_for(state, intent, params), params))
    return intent


@route("POST", "/v1/payment_intents/{id}/capture", PaymentIntentCaptureParams)
def capture_intent(call: Call) -> Json:
    """Collect an authorized amount, or a part of it."""
    state = call.state
    intent = state.store.get("payment_intent", call.id)
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "capture")
    amount: int = call.params.get("amount_to_capture") or intent["amount_capturable"]
    check_step(amount, intent["currency"])
    if amount > intent["amount_capturable"]:
        raise invalid(
            "The amount_to_capture is more than the capturable amount", "amount_too_large", "amount_to_capture"
        )
    intent["metadata"] = merge_metadata(intent["metadata"], call.params)
    charge = state.store.get("charge", intent["latest_charge"])
    collect(state, intent, charge, amount)
    emit(state, "charge.captured", charge)
    return intent


@route("POST", "/v1/payment_intents/{id}/cancel", PaymentIntentCancelParams)
def cancel_intent(call: Call) -> Json:
    state = call.state
    intent = state.store.get("payment_intent", call.id)
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(intent, "cancel")
    if intent["status"] == "requires_capture":
        charge = state.store.get("charge", intent["latest_charge"])
        release(state, charge)
        emit(state, "charge.refunded", charge)
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "next_action": None,
        "canceled_at": state.now(),
        "cancellation_reason": call.params.get("cancellation_reason"),
    }
    emit(state, "payment_intent.canceled", state.store.put(intent))
    return intent


def _new_intent(state: State, params: Json) -> Json:
    currency = check_currency(params["currency"])
    check_charge(params["amount"], currency)
    if customer := params.get("customer"):
        state.store.get("customer", customer, "customer")
    intent_id, kinds = new_id("pi"), params.get("allowed_payment_method_types")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "application": None,
        "automatic_payment_methods": params.get("automatic_payment_methods", None if kinds else {"enabled": True}),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": state.now(),
        "currency": currency,
        "customer": customer or None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": merge_metadata({}, params),
        "next_action": None,
        "payment_method": None,
        "allowed_payment_method_types": kinds,
        "payment_method_types": kinds or ["card", "link"],
        "processing": None,
        "review": None,
        "source": None,
        "status": "requires_payment_method",
        **{name: params.get(name) for name in _COPIED},
    }


def _names_method(params: Json) -> bool:
    return bool(params.get("payment_method") or params.get("payment_method_data"))


def _confirmation(method: Json, params: Json) -> Confirmation:
    return Confirmation(method, bool(params.get("off_session")), params.get("return_url"))


def _check_return_url(intent: Json, params: Json) -> None:
    """Refuse a confirmation on the server which might redirect the customer, without a way back."""
    automatic = intent["automatic_payment_methods"] or {}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects", "always") == "always"
    if redirects and not params.get("return_url") and not params.get("off_session"):
        raise invalid(
            "This PaymentIntent accepts payment methods that redirect: pass a return_url, or set "
            "automatic_payment_methods[allow_redirects]=never.",
            None,
            "return_url",
        )


def _unexpected(intent: Json, verb: str) -> Exception:
    return invalid(
        f"This PaymentIntent could not be {verb}ed because it has a status of {intent['status']}.",
        "payment_intent_unexpected_state",
    )
