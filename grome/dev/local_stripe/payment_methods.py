"""Payment methods: cards, made from test numbers or tokens, attached to customers."""

import hashlib
from typing import Final

from stripe.params import (
    CustomerListPaymentMethodsParams,
    PaymentMethodAttachParams,
    PaymentMethodCreateParams,
    PaymentMethodDetachParams,
    PaymentMethodListParams,
    PaymentMethodRetrieveParams,
)

from grome.dev.local_stripe.answers import page
from grome.dev.local_stripe.cards import TOKENS, Card, card_of, find_card
from grome.dev.local_stripe.errors import Json, StripeError, invalid
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id

_EXPIRY: Final = {"exp_month": 12, "exp_year": 2034}


@route("POST", "/v1/payment_methods", PaymentMethodCreateParams)
def create_method(call: Call) -> Json:
    return method_from_card(call.state, call.params.get("card"), call.params.get("billing_details"))


@route("GET", "/v1/payment_methods", PaymentMethodListParams)
def list_methods(call: Call) -> Json:
    return page(call, attached_to(call.state, call.params.get("customer")))


@route("GET", "/v1/customers/{id}/payment_methods", CustomerListPaymentMethodsParams)
def list_methods_of_customer(call: Call) -> Json:
    call.state.store.get("customer", call.id)
    return page(call, attached_to(call.state, call.id))


@route("GET", "/v1/payment_methods/{id}", PaymentMethodRetrieveParams)
def get_method(call: Call) -> Json:
    return call.state.store.get("payment_method", call.id)


@route("POST", "/v1/payment_methods/{id}/attach", PaymentMethodAttachParams)
def attach_method(call: Call) -> Json:
    method = use_method(call.state, call.id)
    attach(call.state, method, call.params.get("customer") or "")
    return method


@route("POST", "/v1/payment_methods/{id}/detach", PaymentMethodDetachParams)
def detach_method(call: Call) -> Json:
    """Detach a card from its customer, for good."""
    state = call.state
    method = state.store.get("payment_method", call.id)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    customer = state.store.find("customer", method["customer"])
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        state.store.put(customer)
    method |= {"customer": None, "_spent": True}
    emit(state, "payment_method.detached", state.store.put(method))
    return method


def attached_to(state: State, customer: str | None) -> list[Json]:
    return [method for method in state.store.newest("payment_method") if method["customer"] == customer and customer]


def attach(state: State, method: Json, customer: str) -> None:
    """Attach a card to a customer. Raises the decline if the bank refuses that."""
    state.store.get("customer", customer, "customer")
    if method["customer"] not in (None, customer):
        raise invalid("The payment method you provided has already been attached to a customer.")
    card = card_of(method)
    if card.decline and not card.attaches:
        decline = card.decline
        raise StripeError(402, "card_error", decline.code, decline.message, decline_code=decline.decline_code)
    if method["customer"] is None:
        method["customer"] = customer
        emit(state, "payment_method.attached", state.store.put(method))


def use_method(state: State, method_id: str) -> Json:
    """Return the card of an id, or a new one for a test token. Raises an error if it was detached, or used before."""
    if method_id in TOKENS:
        return new_method(state, find_card(TOKENS[method_id]), {}, None)
    method = state.store.get("payment_method", method_id, "payment_method")
    if method.get("_spent"):
        raise invalid(
            "The provided PaymentMethod was previously used without being attached to a Customer or was detached from "
            "a Customer, and may not be used again."
        )
    return method


def method_from_card(state: State, details: Json | None, billing: Json | None) -> Json:
    """Make a payment method from the number and expiry that a client sends."""
    if not isinstance(details, dict) or "number" not in details:
        raise invalid("Missing required param: card[number].", "parameter_missing", "card[number]")
    return new_method(state, find_card(str(details["number"])), details, billing)


def new_method(state: State, card: Card, details: Json, billing: Json | None) -> Json:
    """Store a new payment method with a test card."""
    return state.store.put(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None, **(billing or {})},
            "card": {
                "brand": card.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "DE",
                "display_brand": card.brand,
                **{name: int(details.get(name) or default) for name, default in _EXPIRY.items()},
                "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
                "funding": "credit",
                "generated_from": None,
                "last4": card.number[-4:],
                "networks": {"available": [card.brand], "preferred": None},
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": state.now(),
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_number": card.number,
            "_set_up": False,
        }
    )
