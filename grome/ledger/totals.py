"""Stored totals of accounts, which the sealer updates: their balances need no sum over old entries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from grome.ledger.models import Total

_HELD: Final = "held"
_PAYABLE: Final = "barber_payable"


def held_of(barber_id: UUID) -> str:
    """Return the name of the total of the money that is held for a barber's visits."""
    return f"held_of:{barber_id}"


def has_total(account: str) -> bool:
    """Return whether the account's balance is stored; accounts of a visit, refund or payout have few lines."""
    return ":" not in account or account.startswith(f"{_PAYABLE}:")


def add_to_totals(totals: defaultdict[Total, int], entries: Iterable[Mapping[str, Any]]) -> None:
    """Add the lines of entries with UUIDs as bytes: to kinds of accounts, barbers' balances and money held for barbers.

    The kind of `held:<booking>` is `held`; an account of the platform is a kind by itself.
    """
    for entry in entries:
        currency = entry["currency"]
        for line in entry["lines"]:
            account, amount = line["account"], line["amount"]
            kind, _, subject = account.partition(":")
            totals[kind, currency] += amount
            if subject and kind == _PAYABLE:
                totals[account, currency] += amount
            elif kind == _HELD and (barber_id := entry.get("barber_id")) is not None:
                totals[_held_of_bytes(barber_id), currency] += amount


@lru_cache(10_000)
def _held_of_bytes(barber_id: bytes) -> str:
    return held_of(UUID(bytes=barber_id))
