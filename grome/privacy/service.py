"""Request exports, follow their progress and download them, and remove expired and abandoned ones."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from loguru import logger

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound, TooManyRequests
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.infrastructure.isolated_items import Sweep, for_each
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.jobs.models import State as JobState
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.storage.protocol import Storage
from grome.privacy.models import (
    CONTENT_TYPE,
    EXPORT_BUDGET,
    EXPORT_LIFE,
    FILE_PREFIX,
    LINK_LIFE,
    MAKE_EXPORT,
    Export,
    ExportEvent,
    State,
    file_key,
)
from grome.privacy.repository import AfterExport, ExportRepository
from grome.privacy.schemas import ExportOut, ExportPage, export_out

# A request adds its job at once. After this time, its process must have died, and the job is added here.
_JOB_MISSING_AFTER: Final = timedelta(minutes=1)
_BATCH_SIZE: Final = 200
_RETRY_AFTER_S: Final = 5.0


class ExportService:
    def __init__(
        self, exports: ExportRepository, storage: Storage, jobs: JobQueue, budgets: Budgets, clock: Clock
    ) -> None:
        self._exports, self._storage, self._jobs = exports, storage, jobs
        self._budgets, self._clock = budgets, clock
        self._expired = Sweep(
            "expire_exports", lambda after, limit: exports.list_expired(clock(), after, limit), _BATCH_SIZE
        )
        self._forgotten = Sweep(
            "mend_exports",
            lambda after, limit: exports.list_open_before(clock() - _JOB_MISSING_AFTER, after, limit),
            _BATCH_SIZE,
        )

    async def request(self, actor: Actor) -> ExportOut:
        """Store an export to be made, or return the open one. Raises TooManyRequests beyond three in a day."""
        export = await self._exports.find_open(actor.id)
        if export is None:
            export = self._build(actor)
            if await self._exports.add(export):
                await self._spend_budget(export)
            else:
                export = await self._exports.find_open(actor.id)
                if export is None:  # a concurrent request's export has ended meanwhile
                    raise TooManyRequests(_RETRY_AFTER_S)
        # Also for an existing export: the process that stored it may have died before this line.
        await self._jobs.add(_job_of(export.id))
        return export_out(export)

    async def _spend_budget(self, export: Export) -> None:
        """Remove the export again if it is one too many. Concurrent requests for one export spend the budget once."""
        try:
            await self._budgets.spend(EXPORT_BUDGET, str(export.user_id))
        except TooManyRequests:
            await self._exports.remove(export.id)
            raise

    async def get(self, actor: Actor, export_id: UUID) -> ExportOut:
        """Return an export, with a download URL if it is done. Raises NotFound."""
        export = await self._exports.find(actor.id, export_id)
        if export is None:
            raise NotFound
        return export_out(export, await self._url(export))

    async def page(self, actor: Actor, query: PageQuery) -> ExportPage:
        after = decode_cursor(query.cursor, AfterExport)
        found = await self._exports.list_page(actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterExport(row.id))
        return ExportPage([export_out(export) for export in page], next_cursor)

    async def delete_all(self, user_id: UUID) -> None:
        """Delete all exports of a person and their files. A repeat is harmless."""
        while page := await self._exports.list_page(user_id, None, _BATCH_SIZE):
            for export in page:
                await self._delete(export.id)

    async def expire_and_repair(self) -> None:
        """Delete expired exports, and repair or fail exports with a missing or dead job."""
        await self._expired.run(self._delete)
        await self._forgotten.run(self._repair)

    async def delete_orphaned_files(self) -> int:
        """Delete files without an export; return their number."""
        swept, batch = 0, list[UUID]()
        async for export_id in self._iter_file_ids():
            batch.append(export_id)
            if len(batch) == _BATCH_SIZE:
                swept += await self._delete_orphaned(batch)
                batch = []
        return swept + await self._delete_orphaned(batch)

    def _build(self, actor: Actor) -> Export:
        now = self._clock()
        requested = ExportEvent(
            id=new_id(), version=1, type=EventType.ACCOUNT_EXPORT_REQUESTED, at=now, origin=origin_by(actor.id)
        )
        return Export(
            id=new_id(),
            user_id=actor.id,
            role=actor.role,
            state=State.PENDING,
            is_open=True,
            created_at=now,
            expires_at=now + EXPORT_LIFE,
            outbox=[requested],
        )

    async def _url(self, export: Export) -> str | None:
        if export.state is not State.DONE:
            return None
        seconds = int(min(LINK_LIFE, export.expires_at - self._clock()).total_seconds())
        if seconds <= 0:
            return None
        return await self._storage.signed_url(export.file_key, seconds, export.download_name, CONTENT_TYPE)

    async def _delete(self, export_id: UUID) -> None:
        # The file first: the document finds it again if the deletion is interrupted in between.
        await self._storage.delete(file_key(export_id))
        await self._exports.remove(export_id)

    async def _repair(self, export_id: UUID) -> None:
        job = await self._jobs.find(_job_of(export_id).id)
        if job is None:
            await self._jobs.add(_job_of(export_id))
        elif job.state is not JobState.PENDING:
            fields = {"state": State.FAILED.value, "is_open": False, "ended_at": self._clock()}
            if await self._exports.update_open(export_id, fields):
                logger.warning("Export {} has failed: its job is {}", export_id, job.state)
                await self._storage.delete(file_key(export_id))

    async def _iter_file_ids(self) -> AsyncIterator[UUID]:
        async for key in self._storage.keys(FILE_PREFIX):
            with suppress(ValueError):
                yield UUID(hex=key.removeprefix(FILE_PREFIX))

    async def _delete_orphaned(self, export_ids: list[UUID]) -> int:
        # An export is stored before its file, so a file without an export is orphaned permanently.
        gone = set(export_ids) - await self._exports.existing_ids(export_ids)
        return (await for_each(gone, self._delete, name="sweep_export_files")).done


def _job_of(export_id: UUID) -> NewJob:
    return NewJob(f"export:{export_id}", MAKE_EXPORT, {"export_id": str(export_id)})
