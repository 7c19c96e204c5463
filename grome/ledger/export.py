"""Export all journal entries as CSV, a row for each line, or in the language of Beancount."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from grome.common.money import decimal_of
from grome.ledger.models import Entry
from grome.ledger.repository import LedgerRepository

COLUMNS: Final = (
    "seq",
    "id",
    "type",
    "at",
    "account",
    "amount",
    "currency",
    "booking_id",
    "payment_id",
    "barber_id",
    "reverses",
    "external_ref",
    "memo",
)
_FORMULA: Final = re.compile(r"^[\s]*[=+\-@]")
_ROOTS: Final = {
    "stripe": "Assets:Stripe",
    "bank": "Assets:Bank",
    "held": "Liabilities:Held",
    "barber_payable": "Liabilities:Barbers",
    "refund_transit": "Liabilities:Refunds-in-transit",
    "payout_transit": "Liabilities:Payouts-in-transit",
    "disputes_held": "Assets:Disputes",
    "commission": "Income:Commission",
    "stripe_fees": "Expenses:Stripe-fees",
    "promo_platform": "Expenses:Promos",
    "dispute_fees": "Expenses:Dispute-fees",
    "goodwill": "Expenses:Goodwill",
    "write_offs": "Expenses:Write-offs",
    "fx": "Expenses:Exchange",
    "rounding": "Expenses:Rounding",
}


class LedgerExport:
    """Reads the entries in the order of the chain, then the entries that are not sealed yet."""

    def __init__(self, entries: LedgerRepository) -> None:
        self._entries = entries

    async def csv_parts(self) -> AsyncIterator[str]:
        """Yield the text of a CSV file (RFC 4180) with a header."""
        yield _csv_text([COLUMNS])
        async for entries in self._entries.iter_all():
            yield _csv_text([row for entry in entries for row in _rows(entry)])

    async def beancount_parts(self) -> AsyncIterator[str]:
        """Yield the text of a Beancount file. Each account is opened where it is first used."""
        opened: set[str] = set()
        yield 'option "title" "Grome"\n'
        async for entries in self._entries.iter_all():
            yield "".join(_beancount_text(entry, opened) for entry in entries)


def _rows(entry: Entry) -> Iterator[tuple[object, ...]]:
    memo = f"'{entry.memo}" if _FORMULA.match(entry.memo) else entry.memo
    for line in entry.lines:
        yield (
            entry.seq,
            entry.id,
            entry.kind.value,
            f"{entry.at:%Y-%m-%dT%H:%M:%SZ}",
            line.account,
            decimal_of(line.amount, entry.currency),
            entry.currency,
            entry.booking_id,
            entry.payment_id,
            entry.barber_id,
            entry.reverses,
            entry.external_ref,
            memo,
        )


def _csv_text(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _beancount_text(entry: Entry, opened: set[str]) -> str:
    """Write the `open` directives of new accounts, and a transaction."""
    lines = []
    for line in entry.lines:
        account = beancount_account(line.account)
        if account not in opened:
            opened.add(account)
            lines.append(f"1970-01-01 open {account}")
    lines.append(f"{entry.at:%Y-%m-%d} * {_quoted(entry.kind.value)} {_quoted(entry.memo)}")
    facts = {
        "id": entry.id,
        "booking": entry.booking_id,
        "payment": entry.payment_id,
        "reverses": entry.reverses,
        "external": entry.external_ref,
    }
    lines += [f"  {name}: {_quoted(str(value))}" for name, value in facts.items() if value is not None]
    for line in entry.lines:
        amount = decimal_of(line.amount, entry.currency)
        lines.append(f"  {beancount_account(line.account)}  {amount:f} {entry.currency}")
    return "\n".join(lines) + "\n\n"


def beancount_account(account: str) -> str:
    """Return the account's name in Beancount.

    Only barbers have accounts of their own there; the transaction's metadata names visits, refunds and payouts.
    """
    kind, _, subject = account.partition(":")
    root = _ROOTS.get(kind, f"Equity:{re.sub('[^A-Za-z0-9]', '-', kind).capitalize()}")
    return f"{root}:B-{subject}" if kind == "barber_payable" else root


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
