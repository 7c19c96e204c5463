"""Verify the stored audit trail: the chain of records, the signed heads, and the records from before the chain."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from grome.audit.chain_check import ChainCheck, Finding, Findings, Flaw
from grome.audit.heads import is_head_signed
from grome.audit.models import LAST_SETTLING_HEAD, AuditHead
from grome.audit.repository import AuditHeadRepository, AuditRepository
from grome.common.errors import NotFound
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal
from grome.infrastructure.secret_keys import Macs
from grome.infrastructure.signing_keys import SigningKeys

Progress = Callable[[int, int], None]


class Verification(Struct, frozen=True):
    """The result: the records checked, the end of the chain, and the first hundred of `flaws` findings.

    `earlier` counts the records from before the chain. `unsigned` counts the records after the newest head.
    """

    records: int
    earlier: int
    unsigned: int
    end: Seal
    findings: list[Finding]
    flaws: int


class AuditVerifier:
    def __init__(self, records: AuditRepository, heads: AuditHeadRepository, keys: SigningKeys, macs: Macs) -> None:
        self._records, self._heads, self._keys, self._macs = records, heads, keys, macs

    async def verify(
        self, report_progress: Progress, *, day: str | None = None, noted: tuple[int, bytes] | None = None
    ) -> Verification:
        """Check all records, or the records of a day, batch by batch; records may be appended meanwhile.

        `report_progress` receives the records done and their total. `noted` is the number and hash of a record noted
        earlier, outside the database. Raises NotFound for a day without a head.
        """
        heads = await self._heads.list_all()
        end = await self._records.get_end()  # read after the heads, and so at or after the newest head
        start, last = (GENESIS, end.seq) if day is None else _bounds(heads, day)
        known = {head.seq: head.hash for head in heads if start.seq < head.seq and (day is None or head.seq <= last)}
        signed = heads[-1].seq if heads else 0
        check = ChainCheck(known | dict([noted] if noted else []), signed, self._macs, start)
        await self._scan(check, start.seq, last, report_progress)
        findings = check.findings
        self._check_heads(heads, findings)
        earlier = await self._records.describe_earlier()
        if heads and earlier != heads[-1].earlier:
            expected = heads[-1].earlier.count
            findings.report(
                Flaw.OUTSIDE, f"{earlier.count} records stand outside the chain; {expected} others did at its beginning"
            )
        return Verification(check.count, earlier.count, max(0, end.seq - signed), end, findings.kept, findings.count)

    async def _scan(self, check: ChainCheck, start: int, last: int, report_progress: Progress) -> None:
        checking: asyncio.Task[None] | None = None
        async for batch in self._records.scan(start + 1, last):
            if checking:  # the next batch was read while this was checked
                await checking
                report_progress(check.count, last - start)
            checking = asyncio.create_task(asyncio.to_thread(check.add, batch))
        if checking:
            await checking
        check.finish(last)
        report_progress(check.count, check.count)

    def _check_heads(self, heads: Sequence[AuditHead], findings: Findings) -> None:
        number, seq, before = 0, 0, ""
        for head in heads:
            if head.number != number + 1:
                findings.report(Flaw.REMOVED_HEAD, f"{head.number - number - 1} heads before {head.day} are missing")
            if not is_head_signed(head, self._keys):
                findings.report(Flaw.EDITED_HEAD, f"the head of {head.day} does not have the signature of a known key")
            elif head.day <= before or head.seq < seq or _has_other_earlier(head, heads):
                findings.report(Flaw.EDITED_HEAD, f"the head of {head.day} contradicts the head of {before}")
            number, seq, before = head.number, head.seq, head.day


def _has_other_earlier(head: AuditHead, heads: Sequence[AuditHead]) -> bool:
    settled = heads[:LAST_SETTLING_HEAD]
    return head.number > LAST_SETTLING_HEAD and head.earlier != settled[-1].earlier


def _bounds(heads: Sequence[AuditHead], day: str) -> tuple[Seal, int]:
    """Return where the records of a day begin and end: after the head before it, up to its own head."""
    index = next((index for index, head in enumerate(heads) if head.day == day), None)
    if index is None:
        raise NotFound(f"There is no head of {day}.")
    before = heads[index - 1] if index else None
    return Seal(before.seq, b"", before.hash) if before else GENESIS, heads[index].seq
