"""Confirm intents: 3-D Secure first where the bank asks for it, then the charge or the decline."""

from dataclasses import dataclass
from typing import Final

from grome.dev.local_stripe.answers import public
from grome.dev.local_stripe.cards import AUTHENTICATION, Decline, card_of
from grome.dev.local_stripe.charges import authorize, capture, new_charge
from grome.dev.local_stripe.errors import Json, StripeError, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.payment_methods import attach, method_from_card, use_method
from grome.dev.local_stripe.state import State

CONFIRMABLE: Final = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_FAILED_AUTHENTICATION: Final = Decline(
    "payment_intent_authentication_failure",
    "",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod.",
)


@dataclass(frozen=True)
class Confirmation:
    """The circumstances of a confirmation. `authenticated` comes after 3-D Secure."""

    method: Json
    off_session: bool = False
    return_url: str | None = None
    authenticated: bool = False


def method_for(state: State, intent: Json, params: Json) -> Json:
    """Return the card that the params, or else the intent, name. Raises an error if it is another customer's."""
    data = params.get("payment_method_data")
    if data is not None:
        return method_from_card(state, data.get("card"), data.get("billing_details"))
    chosen = params.get("payment_method") or intent["payment_method"]
    if not chosen:
        raise invalid(
            "You cannot confirm this intent because it's missing a payment method.", _unexpected(intent), None
        )
    method = use_method(state, chosen)
    if method["customer"] not in (None, intent["customer"]):
        raise invalid(
            f"The payment method {method['id']} belongs to another customer than the intent's.", None, "payment_method"
        )
    return method


def confirm(state: State, intent: Json, how: Confirmation) -> None:
    """Confirm a PaymentIntent or SetupIntent. Raises the decline with status 402."""
    if intent["status"] not in CONFIRMABLE:
        raise invalid(
            f"You cannot confirm this intent because it has a status of {intent['status']}.",
            _unexpected(intent),
            None,
        )
    method, card = how.method, card_of(how.method)
    is_setup = _is_setup(intent)
    intent |= {"payment_method": method["id"], "next_action": None, _error_field(intent): None}
    if not how.authenticated and card.asks(off_session=how.off_session, set_up=method["_set_up"]):
        if how.off_session:
            _decline(state, intent, method, AUTHENTICATION)
        _ask(state, intent, how)
    elif card.decline and (not is_setup or not card.attaches):
        _decline(state, intent, method, card.decline)
    elif is_setup:
        _set_up(state, intent, method)
    else:
        _charge(state, intent, how)


def fail_authentication(state: State, intent: Json) -> None:
    """End 3-D Secure without success: the intent waits for another card."""
    method = state.store.get("payment_method", intent["payment_method"])
    _fail(state, intent, method, _FAILED_AUTHENTICATION, None)


def _ask(state: State, intent: Json, how: Confirmation) -> None:
    url = f"{state.settings.url}/_3ds/{intent['id']}"
    redirect = {"url": url, "return_url": how.return_url}
    intent |= {
        "status": "requires_action",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect},
    }
    emit(state, f"{intent['object']}.requires_action", state.store.put(intent))


def _decline(state: State, intent: Json, method: Json, decline: Decline) -> None:
    charge = new_charge(state, intent, method, decline) if not _is_setup(intent) else None
    error = _fail(state, intent, method, decline, charge)
    raise StripeError(
        402,
        "card_error",
        decline.code,
        decline.message,
        **{key: value for key, value in error.items() if key not in ("type", "code", "message")},
        **{intent["object"]: public(intent)},
    )


def _fail(state: State, intent: Json, method: Json, decline: Decline, charge: Json | None) -> Json:
    error: Json = {
        "type": "card_error" if decline.decline_code else "invalid_request_error",
        "code": decline.code,
        "message": decline.message,
        "payment_method": public(method),
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    if charge:
        error["charge"] = intent["latest_charge"] = charge["id"]
        emit(state, "charge.failed", charge)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        _error_field(intent): error,
    }
    state.store.put(intent)
    emit(state, "setup_intent.setup_failed" if _is_setup(intent) else "payment_intent.payment_failed", intent)
    return error


def _charge(state: State, intent: Json, how: Confirmation) -> None:
    method = how.method
    if intent["setup_future_usage"] and intent["customer"]:
        attach(state, method, intent["customer"])
        method["_set_up"] = method["_set_up"] or intent["setup_future_usage"] == "off_session"
    elif method["customer"] is None:
        method["_spent"] = True
    state.store.put(method)
    charge = new_charge(state, intent, method, None)
    intent["latest_charge"] = charge["id"]
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        authorize(state, charge, off_session=how.off_session)
        emit(state, "payment_intent.amount_capturable_updated", state.store.put(intent))
        emit(state, "charge.succeeded", charge)
        return
    collect(state, intent, charge, intent["amount"])
    emit(state, "charge.succeeded", charge)


def collect(state: State, intent: Json, charge: Json, amount: int) -> None:
    """Capture an amount of the intent's charge; the intent has succeeded."""
    capture(state, charge, amount, book=intent["capture_method"] != "automatic_async")
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    emit(state, "payment_intent.succeeded", state.store.put(intent))


def _set_up(state: State, intent: Json, method: Json) -> None:
    if intent["customer"]:
        attach(state, method, intent["customer"])
    method["_set_up"] = intent["usage"] == "off_session"
    state.store.put(method)
    intent["status"] = "succeeded"
    emit(state, "setup_intent.succeeded", state.store.put(intent))


def _is_setup(intent: Json) -> bool:
    return bool(intent["object"] == "setup_intent")


def _error_field(intent: Json) -> str:
    return "last_setup_error" if _is_setup(intent) else "last_payment_error"


def _unexpected(intent: Json) -> str:
    return f"{intent['object']}_unexpected_state"
