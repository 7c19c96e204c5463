"""Payouts of connected accounts to their banks, by the clock: a day after money is available, another day under way."""

from typing import Final

from stripe.params import PayoutListParams, PayoutRetrieveParams

from grome.dev.local_stripe.answers import page
from grome.dev.local_stripe.balance import DAY_S, PLATFORM, NewLine, add_balance_transaction, available, lines_of
from grome.dev.local_stripe.errors import Json, missing
from grome.dev.local_stripe.events import emit
from grome.dev.local_stripe.routing import Call, route
from grome.dev.local_stripe.state import State, new_id, schedule, task

# A bank account that no longer exists.
_FAILING_BANK: Final = "000111111116"


def schedule_payout(state: State, account_id: str) -> None:
    """Pay the available money of an account to its bank in a day."""
    schedule(state, state.now() + DAY_S, "payouts.create", account_id)


@task("payouts.create")
def create_payouts(state: State, account_id: str) -> None:
    """Send the available money of an account to its bank: a payout for each currency."""
    account = state.store.get("v2.core.account", account_id)
    if account["closed"] or not account["_bank"] or account.get("_refused_bank") == account["_bank"]:
        return
    for currency in sorted({line["currency"] for line in lines_of(state, account_id)}):
        amount = available(state, account_id, currency)
        if amount > 0:
            _create(state, account_id, amount, currency)


@task("payouts.arrive")
def end_payout(state: State, payout_id: str) -> None:
    """Mark a payout as paid, or as failed with its money back in the balance of the account."""
    payout = state.store.get("payout", payout_id)
    account_id = payout["_account"]
    account = state.store.get("v2.core.account", account_id)
    if account["_bank"] != _FAILING_BANK:
        payout |= {"status": "paid", "reconciliation_status": "completed"}
        state.store.put(payout)
        emit(state, "payout.paid", payout, account_id)
        emit(state, "payout.reconciliation_completed", payout, account_id)
        return
    line = add_balance_transaction(
        state, NewLine("payout_failure", payout["amount"], payout["currency"], payout_id, account=account_id)
    )
    payout |= {
        "status": "failed",
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
        "failure_balance_transaction": line["id"],
    }
    state.store.put(payout)
    state.store.put({**account, "_refused_bank": account["_bank"]})
    emit(state, "payout.failed", payout, account_id)


@route("GET", "/v1/payouts/{id}", PayoutRetrieveParams)
def retrieve_payout(call: Call) -> Json:
    payout = call.state.store.get("payout", call.id)
    if payout["_account"] != (call.account or PLATFORM):
        raise missing("payout", call.id)
    return payout


@route("GET", "/v1/payouts", PayoutListParams)
def list_payouts(call: Call) -> Json:
    status = call.params.get("status")
    found = [
        payout
        for payout in call.state.store.newest("payout")
        if payout["_account"] == (call.account or PLATFORM) and status in (None, payout["status"])
    ]
    return page(call, found)


def _create(state: State, account_id: str, amount: int, currency: str) -> None:
    payout_id, arrival = new_id("po"), state.now() + DAY_S
    line = add_balance_transaction(state, NewLine("payout", -amount, currency, payout_id, account=account_id))
    payout = {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": True,
        "balance_transaction": line["id"],
        "created": state.now(),
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "type": "bank_account",
        "_account": account_id,
    }
    state.store.put(payout)
    emit(state, "payout.created", payout, account_id)
    schedule(state, arrival, "payouts.arrive", payout_id)
