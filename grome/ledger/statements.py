"""List journal entries: for admins by their subject, and for a barber as a statement."""

from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.infrastructure.mongo.client import Document
from grome.ledger.models import BARBERS_PAYABLE, Entry, barber_payable
from grome.ledger.repository import AfterEntry, LedgerRepository, starting_with
from grome.ledger.schemas import (
    AccountBalancePage,
    AccountBalanceQuery,
    JournalPage,
    JournalQuery,
    StatementPage,
    balance_out,
    entry_out,
    statement_line,
)
from grome.ledger.service import Ledger


class AfterBalance(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of balances ended."""

    account: str
    currency: str


class Statements:
    def __init__(self, entries: LedgerRepository, ledger: Ledger) -> None:
        self._entries, self._ledger = entries, ledger

    async def page_of_entries(self, query: JournalQuery) -> JournalPage:
        """Return entries of any subject, newest first."""
        subject: Document = {
            name: value
            for name, value in (
                ("booking_id", query.booking_id),
                ("payment_id", query.payment_id),
                ("lines.account", query.account),
            )
            if value is not None
        }
        page, next_cursor = await self._page(subject, query)
        return JournalPage([entry_out(entry) for entry in page], next_cursor)

    async def page_of_balances(self, query: AccountBalanceQuery) -> AccountBalancePage:
        """Return balances of accounts that are not 0, in the order of their names."""
        after = decode_cursor(query.cursor, AfterBalance) or AfterBalance("", "")
        found = await self._ledger.balances(query.prefix)
        rest = [one for one in found if (one.account, one.currency) > (after.account, after.currency)]
        page, next_cursor = cut_page(
            rest[: query.limit + 1], query.limit, lambda one: AfterBalance(one.account, one.currency)
        )
        return AccountBalancePage([balance_out(balance) for balance in page], next_cursor)

    async def page_of_barber(self, actor: Actor, query: PageQuery) -> StatementPage:
        """Return the changes of the barber's balance, newest first."""
        page, next_cursor = await self._page(_changes_of(actor.id), query)
        return StatementPage([statement_line(entry, actor.id) for entry in page], next_cursor)

    async def iter_changes(self, barber_id: UUID | None, start: datetime, end: datetime) -> AsyncGenerator[list[Entry]]:
        """Yield the changes of a barber's balance, or of all barbers' balances, from `start` to `end`, oldest first."""
        changes = _changes_of(barber_id) if barber_id else {"lines.account": starting_with(BARBERS_PAYABLE)}
        async for entries in self._entries.iter_between(changes, start, end):
            yield entries

    async def _page(self, subject: Document, query: PageQuery) -> tuple[list[Entry], str | None]:
        after = decode_cursor(query.cursor, AfterEntry)
        if after:  # a cursor is client input
            after = AfterEntry(to_utc(after.at, "cursor"), after.id)
        found = await self._entries.list_page(subject, after, query.limit + 1)
        return cut_page(found, query.limit, lambda entry: AfterEntry(entry.at, entry.id))


def _changes_of(barber_id: UUID) -> Document:
    return {"lines.account": barber_payable(barber_id)}
