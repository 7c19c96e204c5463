"""Charges: made by confirming an intent, captured, or expired."""

from typing import Final

from stripe.params import (
    BalanceRetrieveParams,
    BalanceTransactionListParams,
    BalanceTransactionRetrieveParams,
    ChargeListParams,
    ChargeRetrieveParams,
)

from grome.dev.local_stripe.answers import page, select
from grome.dev.local_stripe.balance import (
    DAY_S,
    PLATFORM,
    SETTLEMENT_S,
    NewLine,
    add_balance_transaction,
    balance_of,
    charge_fee,
    lines_of,
)
from grome.dev.local_stripe.cards import Card, Decline, card_of
from grome.dev.local_stripe.errors import Json, missing
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id, schedule, task

_AUTHORIZED_S: Final = 7 * DAY_S
# A charge that the merchant initiates (Visa).
_AUTHORIZED_OFF_SESSION_S: Final = 4 * DAY_S + 18 * 3600


@route("GET", "/v1/charges", ChargeListParams)
def list_charges(call: Call) -> Json:
    return page(call, select(call, "charge", "customer", "payment_intent", "transfer_group"))


@route("GET", "/v1/charges/{id}", ChargeRetrieveParams)
def get_charge(call: Call) -> Json:
    return call.state.store.get("charge", call.id)


@route("GET", "/v1/balance", BalanceRetrieveParams)
def get_balance(call: Call) -> Json:
    return balance_of(call.state, call.account or PLATFORM)


@route("GET", "/v1/balance_transactions", BalanceTransactionListParams)
def list_lines(call: Call) -> Json:
    wanted = {name: call.params[name] for name in ("source", "type", "currency") if name in call.params}
    lines = lines_of(call.state, call.account or PLATFORM)
    return page(call, [line for line in lines if all(line[name] == value for name, value in wanted.items())])


@route("GET", "/v1/balance_transactions/{id}", BalanceTransactionRetrieveParams)
def get_line(call: Call) -> Json:
    for line in lines_of(call.state, call.account or PLATFORM):
        if line["id"] == call.id:
            return line
    raise missing("balance_transaction", call.id)


def new_charge(state: State, intent: Json, method: Json, decline: Decline | None) -> Json:
    """Store the charge of an intent, which failed if there is a decline. It is not captured."""
    charge_id = new_id("ch")
    return state.store.put(
        {
            "id": charge_id,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "captured": False,
            "created": state.now(),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": intent["metadata"],
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"type": "card", "card": _card_details(method)},
            "receipt_email": None,
            "receipt_url": f"{state.settings.url}/_receipts/{charge_id}",
            "refunded": False,
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "status": "failed" if decline else "succeeded",
            "transfer_data": None,
            "transfer_group": intent["transfer_group"],
        }
    )


def _outcome(decline: Decline | None) -> Json:
    return {
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "seller_message": decline.message if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _card_details(method: Json) -> Json:
    shared = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    return {name: method["card"][name] for name in shared} | {"network": method["card"]["brand"]}


def authorize(state: State, charge: Json, *, off_session: bool) -> None:
    """Hold the amount until `capture_before`, then expire."""
    before = state.now() + (_AUTHORIZED_OFF_SESSION_S if off_session else _AUTHORIZED_S)
    charge["payment_method_details"]["card"]["capture_before"] = before
    state.store.put(charge)
    schedule(state, before, "expire_authorization", charge["id"])


def capture(state: State, charge: Json, amount: int, *, book: bool = True) -> None:
    """Collect an amount. `book` moves the balance now; otherwise a moment later, with `charge.updated`."""
    charge |= {"captured": True, "amount_captured": amount}
    charge["payment_method_details"]["card"].pop("capture_before", None)
    card = card_of(state.store.get("payment_method", charge["payment_method"]))
    if book:
        _book(state, charge, card)
    else:
        schedule(state, state.now() + 1, "book_charge", charge["id"])
    state.store.put(charge)
    _follow(state, charge, card)


def release(state: State, charge: Json) -> None:
    """Give an authorization back to the customer. No money moves."""
    charge |= {"refunded": True, "amount_refunded": charge["amount"]}
    state.store.put(charge)


def _book(state: State, charge: Json, card: Card) -> None:
    amount = charge["amount_captured"]
    line = NewLine(
        "charge",
        amount,
        charge["currency"],
        charge["id"],
        fee=charge_fee(amount),
        available_in_s=0 if card.available_at_once else SETTLEMENT_S,
        description=charge["description"],
    )
    charge["balance_transaction"] = add_balance_transaction(state, line)["id"]


def _follow(state: State, charge: Json, card: Card) -> None:
    """Schedule the dispute or the fraud warning that the card brings."""
    if card.dispute:
        schedule(state, state.now() + 1, f"dispute_{card.dispute}", charge["id"])
    if card.warns:
        schedule(state, state.now() + 1, "warn", charge["id"])


@task("book_charge")
def book_charge(state: State, charge_id: str) -> None:
    charge = state.store.get("charge", charge_id)
    _book(state, charge, card_of(state.store.get("payment_method", charge["payment_method"])))
    emit(state, "charge.updated", state.store.put(charge))


@task("expire_authorization")
def expire_authorization(state: State, charge_id: str) -> None:
    """Release an authorization that nobody captured in time, and cancel its intent."""
    charge = state.store.get("charge", charge_id)
    intent = state.store.get("payment_intent", charge["payment_intent"])
    if charge["captured"] or intent["status"] != "requires_capture":
        return
    release(state, charge)
    emit(state, "charge.expired", charge)
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": state.now(),
        "cancellation_reason": "automatic",
    }
    emit(state, "payment_intent.canceled", state.store.put(intent))
