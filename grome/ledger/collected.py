"""Derive the state of a payment from its journal entries."""

from collections.abc import Iterable
from typing import Final

from grome.ledger.models import COMMISSION, GOODWILL, Entry
from grome.ledger.postings import RECEIVED, RELEASED
from grome.ledger.rules import NOTHING_REFUNDED, Collected, RefundSplit

_REFUNDING: Final = (":created", ":reversed", ":lost")


def collected_by(entries: Iterable[Entry]) -> Collected:
    """Fold the entries of one payment."""
    received = released = commission = 0
    refunded = NOTHING_REFUNDED
    for entry in entries:
        split = RefundSplit(
            held=_on(entry, "held:"),
            barber=_on(entry, "barber_payable:"),
            commission=_on(entry, COMMISSION),
            goodwill=_on(entry, GOODWILL),
        )
        kind = entry.id.removesuffix(":fx")
        if kind.endswith(RECEIVED):
            received -= split.held + split.barber
            released -= split.barber
        elif kind.endswith(RELEASED):
            released += split.held
            commission -= split.commission
        elif kind.endswith(_REFUNDING):
            refunded += split
    return Collected(received=received, released=released, commission=commission, refunded=refunded)


def _on(entry: Entry, prefix: str) -> int:
    return sum(line.amount for line in entry.lines if line.account.startswith(prefix))
