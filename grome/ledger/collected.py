"""Derive the state of a payment from its journal entries."""

from collections.abc import Iterable

from grome.ledger.models import COMMISSION, GOODWILL, Entry, EntryKind
from grome.ledger.rules import NOTHING_REFUNDED, Collected, RefundSplit


def collected_by(entries: Iterable[Entry]) -> Collected:
    """Fold the entries of one payment."""
    received = released = commission = 0
    refunded = NOTHING_REFUNDED
    for entry in entries:
        moved = RefundSplit(
            held=_on(entry, "held:"),
            barber=_on(entry, "barber_payable:"),
            commission=_on(entry, COMMISSION),
            goodwill=_on(entry, GOODWILL),
        )
        match entry.kind:
            case EntryKind.PAYMENT_RECEIVED:
                received -= moved.held
            case EntryKind.TIP_RECEIVED:
                received -= moved.barber
                released -= moved.barber
            case EntryKind.VISIT_RELEASED:
                released += moved.held
                commission -= moved.commission
            case EntryKind.REFUND_CREATED | EntryKind.REFUND_REVERSED | EntryKind.DISPUTE_LOST:
                refunded += moved
            case _:
                pass
    return Collected(received=received, released=released, commission=commission, refunded=refunded)


def _on(entry: Entry, prefix: str) -> int:
    return sum(line.amount for line in entry.lines if line.account.startswith(prefix))
