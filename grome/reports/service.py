"""Request reports, follow their progress, download and delete them, and repair abandoned reports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
from loguru import logger
from msgspec import UNSET

from config.sections.bookings import ReportSettings
from grome.barbers.errors import ProfileMissing
from grome.barbers.service import BarberService
from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.models import Idempotency
from grome.common.actor import Actor, Role
from grome.common.clock import ZONES, Clock
from grome.common.errors import Invalid, NotFound
from grome.common.ids import new_id
from grome.common.input_faults import refusal_of
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.infrastructure.http.responses import encode
from grome.infrastructure.idempotency import Encoded, fingerprint_of
from grome.infrastructure.isolated_items import Sweep, for_each
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.jobs.models import State as JobState
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.storage.protocol import Storage
from grome.reports.models import (
    CONTENT_TYPES,
    FILE_PREFIX,
    FIRST_DAY,
    LAST_DAY,
    MAX_DAYS,
    Failure,
    Format,
    Period,
    Report,
    ReportOwner,
    Separator,
    State,
    file_key,
)
from grome.reports.repository import AfterReport, KeyTakenError, ReportRepository
from grome.reports.schemas import ReportIn, ReportOut, ReportPage, report_out

MAKE_REPORT: Final = JobKind("report", Queue.BULK, timeout_s=600, delays_s=(30, 120, 600))
# A request adds its job at once. After this time, its process must have died, and the job is added here.
_JOB_MISSING_AFTER: Final = timedelta(minutes=1)
_BATCH_SIZE: Final = 200
# An unfinished file of this age is abandoned.
_UNFINISHED_AFTER: Final = timedelta(days=1)


# A file is kept for days and its document for months.
REPORT_BUDGET: Final = Budget("reports of a person", 100, timedelta(days=1))


class ReportService:
    def __init__(
        self,
        reports: ReportRepository,
        barbers: BarberService,
        storage: Storage,
        jobs: JobQueue,
        budgets: Budgets,
        settings: ReportSettings,
        clock: Clock,
    ) -> None:
        self._reports, self._barbers, self._storage, self._jobs = reports, barbers, storage, jobs
        self._link = timedelta(minutes=settings.link_min)
        self._budgets, self._clock = budgets, clock
        self._overdue = Sweep(
            "expire_reports", lambda after, limit: reports.list_overdue(clock(), after, limit), _BATCH_SIZE
        )
        self._forgotten = Sweep(
            "mend_reports",
            lambda after, limit: reports.list_open_before(clock() - _JOB_MISSING_AFTER, after, limit),
            _BATCH_SIZE,
        )

    async def request(self, actor: Actor, body: ReportIn, key: str | None) -> ReportOut | Encoded:
        """Store a report to be built, or return the first response again if `key` has one.

        Raises Invalid, NotFound for the barber, ProfileMissing, TooManyReports, KeyReused or KeyInFlight, and
        TooManyRequests beyond 100 reports of a person in a day.
        """
        idempotency = Idempotency(key, fingerprint_of(body)) if key is not None else None
        report = await self._find_original(actor, idempotency)
        if report is None:
            try:
                composed = await self._build_report(actor, body, idempotency)
                await self._budgets.spend(REPORT_BUDGET, str(actor.id))
                report = await self._reports.add(composed)
            except KeyTakenError:
                report = await self._find_original(actor, idempotency)
                if report is None:  # not yet on a majority of the replica set
                    raise KeyInFlight from None
        # Also for an existing report: the process that stored it may have died before this line.
        await self._jobs.add(_report_job(report))
        return _original_response(report)

    async def get(self, actor: Actor, report_id: UUID) -> ReportOut:
        """Return a report, with a download URL if it is done. Raises NotFound."""
        report = await self._reports.find(actor.id, report_id)
        if report is None:
            raise NotFound
        return report_out(report, await self._progress(report), await self._url(report))

    async def page(self, actor: Actor, query: PageQuery) -> ReportPage:
        after = decode_cursor(query.cursor, AfterReport)
        found = await self._reports.page(actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterReport(row.id))
        progress = await asyncio.gather(*map(self._progress, page))
        items = [report_out(report, done) for report, done in zip(page, progress, strict=True)]
        return ReportPage(items, next_cursor)

    async def delete(self, actor: Actor, report_id: UUID) -> None:
        """Delete a report and its file. Raises NotFound, also if it was deleted before."""
        if not await self._reports.remove(actor.id, report_id):
            raise NotFound
        # After the report: a job that ends in between would otherwise leave a file without a report.
        await self._storage.delete(file_key(report_id))

    async def delete_all(self, owner_id: UUID) -> None:
        """Delete all reports of a person and their files. A repeat is harmless."""
        while page := await self._reports.page(owner_id, None, _BATCH_SIZE):
            for report in page:
                # The file first: the document finds it again if the deletion is interrupted in between.
                await self._storage.delete(report.file_key)
                await self._reports.remove(owner_id, report.id)

    async def expire_and_repair(self) -> None:
        """Expire files, and repair or fail reports with a missing or dead job."""
        await self._overdue.run(self._expire)
        await self._forgotten.run(self._repair)

    async def delete_orphaned_files(self) -> int:
        """Delete files without a report and abandoned parts of files; return their number."""
        swept, batch = 0, list[UUID]()
        async for report_id in self._iter_file_ids():
            batch.append(report_id)
            if len(batch) == _BATCH_SIZE:
                swept += await self._delete_orphaned(batch)
                batch = []
        swept += await self._delete_orphaned(batch)
        return swept + await self._storage.drop_unfinished(self._clock() - _UNFINISHED_AFTER)

    async def _find_original(self, actor: Actor, idempotency: Idempotency | None) -> Report | None:
        """Return the report of the same idempotency key. Raises KeyReused if its request was different."""
        if idempotency is None:
            return None
        first = await self._reports.find_by_key(actor.id, idempotency.key)
        if first and first.idempotency and first.idempotency.fingerprint != idempotency.fingerprint:
            raise KeyReused
        return first

    async def _build_report(self, actor: Actor, body: ReportIn, idempotency: Idempotency | None) -> Report:
        if body.separator is not UNSET and body.format is not Format.CSV:
            raise Invalid("separator", "is for CSV")
        barber_id, timezone = await self._barber_and_zone(actor, body)
        report = Report(
            id=new_id(),
            by=ReportOwner(actor.id, actor.role, actor.session_id),
            kind=body.kind,
            format=body.format,
            separator=Separator.COMMA if body.separator is UNSET else body.separator,
            barber_id=barber_id,
            period=_period(body, timezone),
            state=State.PENDING,
            slot=None,
            idempotency=idempotency,
            created_at=self._clock(),
        )
        if idempotency is None:
            return report
        return msgspec.structs.replace(report, first_answer=encode(report_out(report, 0)))

    async def _barber_and_zone(self, actor: Actor, body: ReportIn) -> tuple[UUID | None, str]:
        """Return the barber that the report is about, None for all barbers, and the time zone."""
        if actor.role is Role.BARBER:
            if body.barber_id not in {None, actor.id}:
                raise NotFound("There is no such barber, or you are not that barber.")
            if body.timezone is not None:
                raise Invalid("timezone", "is for admins; your reports use the time zone of your profile")
            try:
                return actor.id, (await self._barbers.get(actor.id)).timezone
            except NotFound:
                raise ProfileMissing from None
        if body.timezone is not None and body.timezone not in ZONES:
            raise Invalid("timezone", "is not an IANA time zone")
        if body.barber_id is None:
            return None, body.timezone or "UTC"
        barber = await self._barbers.get(body.barber_id)
        return barber.id, body.timezone or barber.timezone

    async def _progress(self, report: Report) -> float:
        if report.state in {State.DONE, State.EXPIRED}:
            return 1
        job = await self._jobs.find(_report_job(report).id) if report.state is State.RUNNING else None
        return job.progress or 0 if job else 0

    async def _url(self, report: Report) -> str | None:
        if report.state is not State.DONE or report.expires_at is None:
            return None
        seconds = int(min(self._link, report.expires_at - self._clock()).total_seconds())
        if seconds <= 0:
            return None
        content_type = CONTENT_TYPES[report.format]
        return await self._storage.signed_url(report.file_key, seconds, report.download_name, content_type)

    async def _expire(self, report_id: UUID) -> None:
        report = await self._reports.find_any(report_id)
        if report and report.state is State.DONE and report.expires_at and report.expires_at <= self._clock():
            await self._storage.delete(report.file_key)
            await self._reports.mark_expired(report)

    async def _repair(self, report_id: UUID) -> None:
        report = await self._reports.find_any(report_id)
        if report is None or report.state not in {State.PENDING, State.RUNNING}:
            return
        job = await self._jobs.find(_report_job(report).id)
        if job is None:
            await self._jobs.add(_report_job(report))
        elif job.state is not JobState.PENDING and await self._reports.mark_failed(
            report.id, Failure.INTERNAL, self._clock()
        ):
            logger.warning("Report {} has failed: its job is {}", report.id, job.state)
            await self._storage.delete(report.file_key)

    async def _iter_file_ids(self) -> AsyncIterator[UUID]:
        """Yield the report ids of stored files, without files of any other name."""
        async for key in self._storage.keys(FILE_PREFIX):
            with suppress(ValueError):
                yield UUID(hex=key.removeprefix(FILE_PREFIX))

    async def _delete_orphaned(self, report_ids: list[UUID]) -> int:
        # A report is stored before its file, so a file without a report is orphaned permanently.
        gone = set(report_ids) - await self._reports.existing_ids(report_ids)
        return (await for_each(gone, self._delete_file, name="sweep_report_files")).done

    async def _delete_file(self, report_id: UUID) -> None:
        await self._storage.delete(file_key(report_id))


def _period(body: ReportIn, timezone: str) -> Period:
    days = {"from": body.first, "to": body.last}
    outside = [name for name, day in days.items() if not FIRST_DAY <= day <= LAST_DAY]
    if outside:
        raise refusal_of([(name, f"lies outside {FIRST_DAY} to {LAST_DAY}") for name in outside])
    period = Period(body.first, body.last, timezone)
    if not 1 <= period.days <= MAX_DAYS:
        raise Invalid("to", f"is not 0 to {MAX_DAYS - 1} days after `from`")
    return period


def _report_job(report: Report) -> NewJob:
    return NewJob(f"report:{report.id}", MAKE_REPORT, {"report_id": str(report.id)})


def _original_response(report: Report) -> ReportOut | Encoded:
    """Return the response to the first request, regardless of later changes to the report."""
    if report.first_answer is not None:
        return Encoded(report.first_answer)
    asked = msgspec.structs.replace(
        report, state=State.PENDING, size=None, failure=None, ended_at=None, expires_at=None
    )
    return report_out(asked, 0)
