"""Verify the stored ledger: the chain, the sums and the totals."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from grome.infrastructure.mongo.hash_chain import Seal
from grome.ledger.chain_check import ChainCheck, Finding, Flaw
from grome.ledger.repository import LedgerRepository, starting_with

_MAX_LISTED: Final = 20


class Verification(Struct, frozen=True):
    """The result: the sealed entries, the head of the chain, and the first hundred findings; `flaws` counts all."""

    entries: int
    unsealed: int
    head: Seal
    findings: list[Finding]
    flaws: Mapping[Flaw, int]


class LedgerVerifier:
    def __init__(self, entries: LedgerRepository) -> None:
        self._entries = entries

    async def verify(
        self, report_progress: Callable[[int, int], None], noted: tuple[int, bytes] | None = None
    ) -> Verification:
        """Read the whole ledger, batch by batch; `report_progress` receives the entries done and their total.

        `noted` is the number and hash of a seal noted earlier. Entries may be posted and sealed meanwhile.
        """
        async with self._entries.reading(None) as reading:
            head = await self._entries.get_head(reading)
            totals = await self._entries.list_totals(reading, starting_with(""))
            last_total = await self._entries.last_total(reading)
        check = ChainCheck(noted)
        checking: asyncio.Task[None] | None = None
        async for batch in self._entries.scan_sealed(max(head.seq, last_total)):
            if checking:  # the next batch was read while this was checked
                await checking
                report_progress(check.count, head.seq)
            checking = asyncio.create_task(asyncio.to_thread(check.add, batch))
        if checking:
            await checking
        check.finish(head, totals, last_total)
        unsealed = await self._check_unsealed(check)
        report_progress(check.count, check.count)
        return Verification(check.count, unsealed, head, check.findings, dict(check.flaws))

    async def _check_unsealed(self, check: ChainCheck) -> int:
        for entry_id in await self._entries.list_unbalanced_unsealed(_MAX_LISTED):
            check.report(Flaw.UNBALANCED, f"the lines of {entry_id} do not add up to 0")
        return await self._entries.count_unsealed()
