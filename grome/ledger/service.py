"""Post journal entries, and read balances."""

from uuid import UUID

from grome.infrastructure.mongo.transactions import Session
from grome.ledger.collected import collected_by
from grome.ledger.errors import LedgerConflictError
from grome.ledger.models import AccountBalance, Entry
from grome.ledger.repository import LedgerRepository
from grome.ledger.rules import Collected


class Ledger:
    """The double-entry ledger. Its balances never need a write, so no document is contended."""

    def __init__(self, entries: LedgerRepository) -> None:
        self._entries = entries

    async def post(self, session: Session, *entries: Entry) -> None:
        """Post entries in the transaction of `session`. An equal entry that is posted already is left as it is.

        Raises LedgerConflictError if the posted entry has other content.
        """
        if not entries:
            return
        found = await self._entries.find_same(session, entries)
        by_id = {entry.id: entry for entry in found}
        by_ref = {entry.external_ref: entry for entry in found}
        new: dict[str, Entry] = {}
        for entry in entries:
            same_movement = by_ref.get(entry.external_ref) if entry.external_ref else None
            posted = by_id.get(entry.id) or same_movement or new.get(entry.id)
            if posted is None:
                new[entry.id] = entry
            elif _content(posted) != _content(entry):
                raise LedgerConflictError(f"{entry.id} differs from the posted {posted.id}")
        if new:
            await self._entries.insert(session, list(new.values()))

    async def has(self, entry_id: str) -> bool:
        """Return whether an entry with this id is posted."""
        return await self._entries.has(entry_id)

    async def balance(self, account: str, currency: str, session: Session | None = None) -> int:
        """Return the balance of an account; a positive balance is a debit. 0 for an unknown account."""
        return await self._entries.balance(account, currency, session)

    async def balances(self, prefix: str = "", session: Session | None = None) -> list[AccountBalance]:
        """Return the balances of all accounts with a name that begins with `prefix`, in order."""
        return sorted(await self._entries.balances(prefix, session))

    async def collected(self, payment_id: UUID, session: Session | None = None) -> Collected:
        """Return the state of a payment in the books: received, released, refunded."""
        return collected_by(await self._entries.list_of_payment(payment_id, session))


def _content(entry: Entry) -> tuple[object, ...]:
    """Return the fields that a repeated posting must have in common with the first."""
    lines = sorted((line.account, line.amount) for line in entry.lines)
    about = (entry.booking_id, entry.payment_id, entry.barber_id)
    return entry.id, entry.kind, entry.currency, lines, about, entry.reverses, entry.external_ref
