"""3-D Secure: the bank's page, on which the customer approves or refuses a payment."""

from html import escape
from typing import Final

from grome.dev.local_stripe.confirming import Confirmation, confirm, fail_authentication
from grome.dev.local_stripe.errors import Json, StripeError, invalid, missing
from grome.dev.local_stripe.routing import Answer, Call, route
from grome.dev.local_stripe.state import State

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; background: light-dark(#eef1f5, #14171c); margin: 0; }
main { max-width: 26rem; margin: 3rem auto; padding: 2rem; border: 1px solid light-dark(#d5dbe3, #323944);
  border-radius: 8px; background: light-dark(#fff, #1c2027); overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0; }
form { display: inline; }
button { font: inherit; padding: .5rem 1rem; margin-right: .5rem; }
"""


@route("GET", "/_3ds/{id}", access="open")
def show_bank(call: Call) -> Answer:
    """Show the page of the bank."""
    intent = find_intent(call.state, call.id)
    amount = f"{intent['amount']} {escape(intent['currency'])}" if "amount" in intent else "a card to save"
    buttons = "".join(
        f'<form method="post"><input type="hidden" name="succeed" value="{value}">'
        f'<button id="{name}">{text}</button></form>'
        for value, name, text in (("true", "approve", "Approve"), ("false", "fail", "Refuse"))
    )
    return _page(f"<h1>Test bank</h1><p>{escape(intent['id'])}: {amount}</p>{buttons}")


@route("POST", "/_3ds/{id}", access="open")
def answer_bank(call: Call) -> Answer:
    """Take the customer's decision, and lead back to the shop."""
    intent = find_intent(call.state, call.id)
    back = ((intent["next_action"] or {}).get("redirect_to_url") or {}).get("return_url")
    authenticate(call.state, call.id, succeed=call.params.get("succeed") == "true")
    if not back:
        return _page("<p>Done. This page may be closed.</p>")
    joint = "&" if "?" in back else "?"
    name = intent["object"]
    return Answer(
        "", 303, headers={"Location": f"{back}{joint}{name}={intent['id']}&redirect_status={intent['status']}"}
    )


@route("POST", "/_control/authenticate", access="open")
def control_authentication(call: Call) -> Json:
    """Answer 3-D Secure of the intent or setup `id` without the page: `{"id", "succeed"}`."""
    return authenticate(call.state, call.params["id"], succeed=call.params.get("succeed", True))


def authenticate(state: State, intent_id: str, *, succeed: bool) -> Json:
    """Approve or refuse, and return the intent. A decline after approval is in its last error."""
    intent = find_intent(state, intent_id)
    if intent["status"] != "requires_action":
        raise invalid(f"The intent is {intent['status']}: it waits for no authentication.", None, "id")
    if not succeed:
        fail_authentication(state, intent)
        return intent
    method = state.store.get("payment_method", intent["payment_method"])
    try:
        confirm(state, intent, Confirmation(method, authenticated=True))
    except StripeError as error:
        if not error.kind == "card_error":
            raise
    return intent


def find_intent(state: State, intent_id: str) -> Json:
    """Return the PaymentIntent or SetupIntent of that id."""
    found = state.store.find("payment_intent", intent_id) or state.store.find("setup_intent", intent_id)
    if found is None:
        raise missing("payment_intent", intent_id)
    return found


def _page(content: str) -> Answer:
    return Answer(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Test bank</title><style>{_STYLE}</style>'
        f"<main>{content}</main></html>",
        content_type="text/html; charset=utf-8",
    )
