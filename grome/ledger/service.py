"""Post journal entries, and read balances."""

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from grome.infrastructure.mongo.transactions import Session
from grome.ledger.collected import collected_by
from grome.ledger.errors import LedgerConflictError
from grome.ledger.models import AccountBalance, BarberSums, Entry, barber_payable
from grome.ledger.repository import LedgerRepository, starting_with
from grome.ledger.rules import Collected
from grome.ledger.totals import has_total, held_of


class Ledger:
    """The double-entry ledger. Posting only inserts: no document of an account is contended."""

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
        async with self._entries.reading(session) as reading:
            is_account = {"$eq": account}
            if not has_total(account):
                sums = await self._entries.sum_lines(reading, {"currency": currency}, is_account)
            else:
                sums = await self._entries.sum_unsealed(reading, is_account, {"currency": currency})
                sums += await self._entries.list_totals(reading, is_account)
        return sum(one.amount for one in sums if one.currency == currency)

    async def balances(self, prefix: str = "", session: Session | None = None) -> list[AccountBalance]:
        """Return the balances other than 0 of the accounts with a name that begins with `prefix`, in order.

        A prefix without a colon selects kinds of accounts, e.g. `held` for the sum of all accounts `held:…`. The kinds
        of a currency add up to 0.
        """
        if ":" not in prefix:
            return [kind for kind in await self._kinds(session) if kind.account.startswith(prefix)]
        begins = starting_with(prefix)
        async with self._entries.reading(session) as reading:
            if has_total(prefix):
                sums = await self._entries.sum_unsealed(reading, begins, {})
                sums += await self._entries.list_totals(reading, begins)
            else:
                sums = await self._entries.sum_lines(reading, {}, begins)
        return _join(sums)

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """Give a session for reads at one point in time."""
        return self._entries.reading(None)

    async def barber_sums(self, session: Session, barber_id: UUID) -> list[BarberSums]:
        """Return the barber's money in each currency in which the barber has entries."""
        account, held_name = barber_payable(barber_id), held_of(barber_id)
        sums = await self._entries.list_totals(session, {"$in": [account, held_name]})
        sums += await self._entries.sum_unsealed(session, {"$eq": account}, {})
        held = await self._entries.sum_unsealed(session, starting_with("held:"), {"barber_id": barber_id})
        payable: Counter[str] = Counter()
        held_sums: Counter[str] = Counter()
        for one in [*sums, *held]:
            (payable if one.account == account else held_sums)[one.currency] -= one.amount
        return [
            BarberSums(currency, payable[currency], held_sums[currency]) for currency in sorted({*payable, *held_sums})
        ]

    async def collected(self, payment_id: UUID, session: Session | None = None) -> Collected:
        """Return the state of a payment in the books: received, released, refunded."""
        return collected_by(await self._entries.list_of_payment(payment_id, session))

    async def _kinds(self, session: Session | None) -> list[AccountBalance]:
        async with self._entries.reading(session) as reading:
            unsealed = await self._entries.sum_unsealed(reading, starting_with(""), {})
            stored = await self._entries.list_totals(reading, {"$not": {"$regex": ":"}})
        kinds = (AccountBalance(one.account.partition(":")[0], one.currency, one.amount) for one in unsealed)
        return _join([*stored, *kinds])


def _join(sums: Iterable[AccountBalance]) -> list[AccountBalance]:
    joined: Counter[tuple[str, str]] = Counter()
    for one in sums:
        joined[one.account, one.currency] += one.amount
    return [
        AccountBalance(account, currency, amount) for (account, currency), amount in sorted(joined.items()) if amount
    ]


def _content(entry: Entry) -> tuple[object, ...]:
    """Return the fields that a repeated posting must have in common with the first."""
    lines = sorted((line.account, line.amount) for line in entry.lines)
    about = (entry.booking_id, entry.payment_id, entry.barber_id)
    return entry.id, entry.kind, entry.currency, lines, about, entry.reverses, entry.external_ref
