"""Customers, and sessions for the mobile payment sheet."""

from typing import Final

from stripe.params import (
    CustomerCreateParams,
    CustomerDeleteParams,
    CustomerListParams,
    CustomerRetrieveParams,
    CustomerSessionCreateParams,
    CustomerUpdateParams,
)

from grome.dev.local_stripe.answers import page
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import new_id

_SESSION_S: Final = 30 * 60
_FIELDS: Final = ("name", "email", "phone", "description", "address", "shipping", "preferred_locales")


@route("POST", "/v1/customers", CustomerCreateParams)
def create_customer(call: Call) -> Json:
    params, state = call.params, call.state
    customer = {
        "id": new_id("cus"),
        "object": "customer",
        "created": state.now(),
        "livemode": False,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": "LOCAL",
        **{field: params.get(field) for field in _FIELDS},
        "invoice_settings": _settings(call, {}),
        "metadata": merge_metadata({}, params),
        "tax_exempt": "none",
    }
    emit(state, "customer.created", state.store.put(customer))
    return customer


@route("GET", "/v1/customers", CustomerListParams)
def list_customers(call: Call) -> Json:
    email = call.params.get("email")
    return page(call, [found for found in call.state.store.newest("customer") if email in (None, found["email"])])


@route("GET", "/v1/customers/{id}", CustomerRetrieveParams)
def get_customer(call: Call) -> Json:
    return call.state.store.get("customer", call.id)


@route("POST", "/v1/customers/{id}", CustomerUpdateParams)
def update_customer(call: Call) -> Json:
    state = call.state
    customer = state.store.get("customer", call.id)
    customer |= {field: call.params[field] or None for field in _FIELDS if field in call.params}
    customer["invoice_settings"] = _settings(call, customer["invoice_settings"])
    customer["metadata"] = merge_metadata(customer["metadata"], call.params)
    emit(state, "customer.updated", state.store.put(customer))
    return customer


@route("DELETE", "/v1/customers/{id}", CustomerDeleteParams)
def delete_customer(call: Call) -> Json:
    state = call.state
    customer = state.store.get("customer", call.id)
    state.store.delete(customer)
    emit(state, "customer.deleted", customer)
    return {"id": call.id, "object": "customer", "deleted": True}


@route("POST", "/v1/customer_sessions", CustomerSessionCreateParams)
def create_session(call: Call) -> Json:
    """Create a session. It is not stored: its client secret only opens the real payment sheet."""
    customer = call.state.store.get("customer", call.params["customer"], "customer")
    now = call.state.now()
    return {
        "object": "customer_session",
        "client_secret": new_id("cuss_secret"),
        "components": call.params["components"],
        "created": now,
        "customer": customer["id"],
        "expires_at": now + _SESSION_S,
        "livemode": False,
    }


def _settings(call: Call, before: Json) -> Json:
    settings: Json = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}
    settings |= before | call.params.get("invoice_settings", {})
    method = settings["default_payment_method"] = settings["default_payment_method"] or None
    if method:
        call.state.store.get("payment_method", method, "invoice_settings[default_payment_method]")
    return settings


def merge_metadata(before: Json, params: Json) -> Json:
    """Return the metadata after an update: an empty value removes a key, an empty object removes all."""
    sent = params.get("metadata", {})
    return {key: value for key, value in (before | sent).items() if value != ""} if sent != "" else {}
