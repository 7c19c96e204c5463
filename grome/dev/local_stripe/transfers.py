"""Transfers from the platform's balance to connected accounts, and their reversals."""

from collections.abc import Iterator
from typing import Final

from stripe.params import (
    TransferCreateParams,
    TransferCreateReversalParams,
    TransferListParams,
    TransferListReversalsParams,
    TransferRetrieveParams,
    TransferRetrieveReversalParams,
    TransferUpdateParams,
)
from typing_extensions import TypedDict

from grome.dev.local_stripe.accounts import KIND as ACCOUNT
from grome.dev.local_stripe.accounts import transfers_status
from grome.dev.local_stripe.answers import page
from grome.dev.local_stripe.balance import DAY_S, PLATFORM, NewLine, add_balance_transaction, available
from grome.dev.local_stripe.errors import Json, StripeError, invalid, malformed, missing
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id, schedule
from grome.dev.local_stripe.validation import check_params

_INSUFFICIENT: Final = "balance_insufficient"


class TopUp(TypedDict):
    amount: int
    currency: str


@route("POST", "/v1/transfers", TransferCreateParams)
def create_transfer(call: Call) -> Json:
    state, params = call.state, call.params
    account = _destination(state, params["destination"])
    charge = _source(state, params)
    amount, currency = _amount(params, charge), params["currency"].lower()
    if charge is None and amount > available(state, PLATFORM, currency):
        raise invalid("You have insufficient available funds in your Stripe account.", _INSUFFICIENT)
    transfer_id = new_id("tr")
    wait = max(0, _available_on(state, charge) - state.now()) if charge else 0
    line = add_balance_transaction(state, NewLine("transfer", -amount, currency, transfer_id, available_in_s=wait))
    incoming = NewLine("payment", amount, currency, transfer_id, available_in_s=wait, account=account["id"])
    add_balance_transaction(state, incoming)
    transfer = {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": line["id"],
        "created": state.now(),
        "currency": currency,
        "description": params.get("description"),
        "destination": account["id"],
        "destination_payment": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "reversals": _reversals(transfer_id, []),
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": params.get("source_type", "card"),
        "transfer_group": params.get("transfer_group") or (charge or {}).get("transfer_group"),
    }
    state.store.put(transfer)
    emit(state, "transfer.created", transfer)
    schedule(state, state.now() + wait + DAY_S, "payouts.create", account["id"])
    return transfer


@route("POST", "/_control/balance", access="open")
def top_up(call: Call) -> Json:
    """Add available money to the platform's balance, as from its bank."""
    params = check_params(call.params, TopUp, form=True)
    return add_balance_transaction(call.state, NewLine("topup", params["amount"], params["currency"], new_id("tu")))


@route("GET", "/v1/transfers/{id}", TransferRetrieveParams)
def retrieve_transfer(call: Call) -> Json:
    return call.state.store.get("transfer", call.id)


@route("POST", "/v1/transfers/{id}", TransferUpdateParams)
def update_transfer(call: Call) -> Json:
    transfer = call.state.store.get("transfer", call.id)
    transfer["description"] = call.params.get("description", transfer["description"])
    transfer["metadata"] = {**transfer["metadata"], **(call.params.get("metadata") or {})}
    emit(call.state, "transfer.updated", call.state.store.put(transfer))
    return transfer


@route("GET", "/v1/transfers", TransferListParams)
def list_transfers(call: Call) -> Json:
    return page(call, _listed(call))


@route("POST", "/v1/transfers/{id}/reversals", TransferCreateReversalParams)
def create_reversal(call: Call) -> Json:
    state, transfer = call.state, call.state.store.get("transfer", call.id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.params.get("amount", left)
    if amount < 1 or amount > left:
        raise invalid(f"Transfer reversals may be between 1 and {left}, the part not reversed yet.", None, "amount")
    account_id, currency = transfer["destination"], transfer["currency"]
    if amount > available(state, account_id, currency):
        raise invalid("The connected account has insufficient available funds.", _INSUFFICIENT)
    reversal_id = new_id("trr")
    line = add_balance_transaction(state, NewLine("transfer_refund", amount, currency, reversal_id))
    add_balance_transaction(state, NewLine("payment_refund", -amount, currency, reversal_id, account=account_id))
    reversal = {
        "id": reversal_id,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": line["id"],
        "created": state.now(),
        "currency": currency,
        "destination_payment_refund": None,
        "metadata": call.params.get("metadata") or {},
        "source_refund": None,
        "transfer": transfer["id"],
    }
    state.store.put(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"] = _reversals(transfer["id"], [reversal, *transfer["reversals"]["data"]])
    emit(state, "transfer.reversed", state.store.put(transfer))
    return reversal


@route("GET", "/v1/transfers/{id}/reversals", TransferListReversalsParams)
def list_reversals(call: Call) -> Json:
    return page(call, call.state.store.get("transfer", call.id)["reversals"]["data"])


@route("GET", "/v1/transfers/{id}/reversals/{reversal}", TransferRetrieveReversalParams)
def retrieve_reversal(call: Call) -> Json:
    reversal = call.state.store.get("transfer_reversal", call.parts["reversal"])
    if reversal["transfer"] != call.id:
        raise missing("transfer_reversal", call.parts["reversal"])
    return reversal


def _listed(call: Call) -> Iterator[Json]:
    for transfer in call.state.store.newest("transfer"):
        if all(
            transfer[field] == call.params.get(field, transfer[field]) for field in ("destination", "transfer_group")
        ):
            yield transfer


def _destination(state: State, account_id: str) -> Json:
    """Return the account. Raises errors of Stripe if it cannot receive transfers."""
    account = state.store.find(ACCOUNT, account_id)
    if account is None:
        raise invalid(f"No such destination: '{account_id}'", "resource_missing", "destination")
    if account["closed"] or transfers_status(account) != "active":
        raise StripeError(
            400,
            "invalid_request_error",
            "insufficient_capabilities_for_transfer",
            "Your destination account needs to have the stripe_transfers capability enabled.",
        )
    return account


def _source(state: State, params: Json) -> Json | None:
    """Return the charge that the transfer is paid from, if one is named."""
    charge_id = params.get("source_transaction")
    if charge_id is None:
        return None
    charge = state.store.get("charge", charge_id, "source_transaction")
    if charge["currency"] != params["currency"].lower():
        raise invalid("The currency is another than that of the source_transaction.", None, "currency")
    return charge


def _amount(params: Json, charge: Json | None) -> int:
    amount = params.get("amount", charge["amount"] if charge else None)
    if amount is None:
        raise malformed("Missing required param: amount.", "parameter_missing", "amount")
    if amount < 1:
        raise malformed("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    if charge and amount > charge["amount_captured"]:
        raise invalid("The amount is more than that of the source_transaction.", _INSUFFICIENT, "amount")
    return int(amount)


def _available_on(state: State, charge: Json) -> int:
    line = state.store.find("balance_transaction", charge["balance_transaction"] or "")
    return int(line["available_on"]) if line else state.now()


def _reversals(transfer_id: str, data: list[Json]) -> Json:
    return {
        "object": "list",
        "data": data,
        "has_more": False,
        "total_count": len(data),
        "url": f"/v1/transfers/{transfer_id}/reversals",
    }
