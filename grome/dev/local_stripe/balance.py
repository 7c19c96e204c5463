"""Balances of the platform and of connected accounts: the sums of their balance transactions."""

from dataclasses import dataclass
from typing import Final

from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.state import State, new_id

PLATFORM: Final = "platform"
DAY_S: Final = 86_400
# The time until the money of a charge may be transferred.
SETTLEMENT_S: Final = 2 * DAY_S
# Stripe's own fee for a charge: 1.5 % and 25 of the smallest units.
_FEE_PER_MILLE: Final = 15
_FIXED_FEE: Final = 25
_CATEGORIES: Final = {
    "adjustment": "dispute",
    "refund_failure": "refund_failure",
    "transfer_refund": "transfer_reversal",
    "payment": "charge",
}


@dataclass(frozen=True)
class NewLine:
    """A movement to book. `amount` is signed; `available_in_s` says when positive money may be used."""

    kind: str
    amount: int
    currency: str
    source: str
    fee: int = 0
    available_in_s: int = 0
    account: str = PLATFORM
    description: str | None = None


def charge_fee(amount: int) -> int:
    """Return Stripe's fee for a charge, rounded half up; at most the amount."""
    return min(amount, (amount * _FEE_PER_MILLE + 500) // 1000 + _FIXED_FEE)


def add_balance_transaction(state: State, line: NewLine) -> Json:
    """Book a movement and return its balance transaction (`txn_…`)."""
    now = state.now()
    details = [{"amount": line.fee, "currency": line.currency, "type": "stripe_fee", "description": "Stripe fees"}]
    return state.store.put(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": line.amount,
            "available_on": now + line.available_in_s,
            "balance_type": "payments",
            "created": now,
            "currency": line.currency,
            "description": line.description,
            "exchange_rate": None,
            "fee": line.fee,
            "fee_details": [{**detail, "application": None} for detail in details] if line.fee else [],
            "net": line.amount - line.fee,
            "reporting_category": _CATEGORIES.get(line.kind, line.kind),
            "source": line.source,
            "type": line.kind,
            "_account": line.account,
        }
    )


def lines_of(state: State, account: str = PLATFORM) -> list[Json]:
    """Return the balance transactions of an account, the newest first, each with its status of now."""
    return [line_now(state, line) for line in state.store.newest("balance_transaction") if line["_account"] == account]


def line_now(state: State, line: Json) -> Json:
    """Return a balance transaction with its status of now."""
    return {**line, "status": "available" if line["available_on"] <= state.now() else "pending"}


def available(state: State, account: str, currency: str) -> int:
    """Return the amount of the currency which the account can transfer or pay out now."""
    return sum(
        line["net"]
        for line in lines_of(state, account)
        if line["currency"] == currency and line["status"] == "available"
    )


def balance_of(state: State, account: str = PLATFORM) -> Json:
    """Return the balance object of an account."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines_of(state, account):
        for status in ("available", "pending"):
            sums.setdefault((status, line["currency"]), 0)
        sums[line["status"], line["currency"]] += line["net"]
    parts = {
        status: [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for (found, currency), amount in sorted(sums.items())
            if found == status
        ]
        for status in ("available", "pending")
    }
    return {"object": "balance", "livemode": False, **parts}
