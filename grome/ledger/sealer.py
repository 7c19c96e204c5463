"""Seal posted entries: give them numbers without gaps, chain them by hashes, and add them to the stored totals."""

from collections import defaultdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.common.clock import Clock
from grome.infrastructure.mongo.hash_chain import next_seal, unsealed_content
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.ledger.models import Total
from grome.ledger.repository import LedgerRepository
from grome.ledger.totals import add_to_totals

# Entries that were decided at the same time are in the same batch, and so in the order of their time.
_SETTLED_AFTER: Final = timedelta(seconds=5)
_BATCH: Final = 500
_CHAIN: Final = UUID("0d4e8f0e-6c0f-4b0c-8b4e-3f3a7d1c9a52")  # sealers of a process take turns


class Sealer:
    """Extends the chain by transactions.

    Several sealers at once, or the kill of a sealer, leave neither a gap nor a fork.
    """

    def __init__(self, entries: LedgerRepository, transactions: Transactions, clock: Clock) -> None:
        self._entries, self._transactions, self._clock = entries, transactions, clock

    async def seal(self) -> int:
        """Seal all entries that are older than five seconds. Returns their number."""
        sealed = 0
        while count := await self._transactions.run(_CHAIN, self._seal_batch):
            sealed += count
            if count < _BATCH:
                break
        return sealed

    async def _seal_batch(self, transaction: Transaction) -> int:
        session = transaction.session
        seal = await self._entries.get_head(session)
        found = await self._entries.list_unsealed(session, self._clock() - _SETTLED_AFTER, _BATCH)
        if not found:
            return 0
        seals = []
        totals: defaultdict[Total, int] = defaultdict(int)
        for raw, document in found:
            seal = next_seal(seal, unsealed_content(raw))
            seals.append((document["_id"], seal))
        add_to_totals(totals, (document for _, document in found))
        await self._entries.write_seals(session, seals)
        await self._entries.add_to_totals(session, totals, seal.seq)
        return len(found)
