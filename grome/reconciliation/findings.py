"""Report findings once, and resolve findings that are gone."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from loguru import logger
from msgspec import structs

from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Sweep, Tally
from grome.reconciliation.models import MAX_OBJECTS, MAX_TEXT, Difference, Finding
from grome.reconciliation.repository import FindingRepository

_BATCH: Final = 200


class Findings:
    def __init__(self, findings: FindingRepository, clock: Clock) -> None:
        self._findings, self._clock = findings, clock

    async def report(self, difference: Difference) -> None:
        """Store a difference as an open finding; a finding that exists is brought up to date.

        An admin's resolution stands as long as the amount is the same.
        """
        now = self._clock()
        new = Finding(
            id=difference.id,
            kind=difference.kind,
            subject=difference.subject,
            amount=difference.amount,
            currency=difference.currency,
            objects=list(difference.objects[:MAX_OBJECTS]),
            note=difference.note[:MAX_TEXT],
            first_seen=now,
            last_seen=now,
        )
        known = await self._findings.find(new.id)
        if known is None:
            logger.error("Reconciliation: {} {} {} {}", new.kind, new.subject, new.amount, new.currency)
            await self._findings.insert(new)
        elif known.resolved_at is None:
            await self._findings.update(structs.replace(new, first_seen=known.first_seen, version=known.version))
        elif known.resolved_by is None or known.amount != new.amount:
            await self._findings.update(structs.replace(new, version=known.version))

    async def review(self, since: datetime, is_gone: Callable[[Finding], Awaitable[bool]]) -> Tally:
        """Resolve the open findings that no check has seen since then, and that are gone."""

        async def page(after: UUID | None, limit: int) -> list[UUID]:
            return [finding.id for finding in await self._findings.list_unseen(since, after, limit)]

        async def look(finding_id: UUID) -> None:
            finding = await self._findings.find(finding_id)
            if finding and await is_gone(finding):
                await self._findings.close(finding_id, self._clock())

        return await Sweep("review_findings", page, _BATCH).run(look)
