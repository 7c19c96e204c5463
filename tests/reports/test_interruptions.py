"""Test that a crash of a worker or API process leaves one report with one file, or neither."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Job, NewJob
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.storage.folder import FolderStorage
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import Source, Storage
from grome.ledger.statements import Statements
from grome.payouts.queries import PayoutQueries
from grome.reports.builder import ReportBuilder
from grome.reports.jobs import make_report, sweep_report_files, tend_reports
from grome.reports.models import FILE_PREFIX, Report, file_key
from grome.reports.repository import ReportRepository
from grome.reports.schemas import ReportIn
from grome.reports.service import MAKE_REPORT, ReportService
from grome.reports.sources import ReportSources
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import tomorrow
from tests.builders.pages import read_pages
from tests.builders.people import sign_in_again
from tests.builders.reports import (
    REPORTS,
    RecordedProgress,
    build_report,
    built,
    download,
    insert_all,
    make_booking,
    post_report,
    read_report,
    report_body,
    requested_report,
    stored_files,
)
from tests.conftest import AdjustableClock
from tests.support.eventually import PATIENCE_S, until
from workers.runner import work


class DiedError(BaseException):
    """Simulates the end of the process."""


class DyingReports(ReportRepository):
    async def mark_done(self, *_: Any) -> Report | None:
        raise DiedError


class DyingStorage(FolderStorage):
    """Dies before or after an operation."""

    def __init__(self, container: Container, *, after: bool) -> None:
        assert isinstance(container.get(Storage), FolderStorage)
        super().__init__(container.get(Storage)._root, container.get(FileLinks))  # noqa: SLF001 -- the same folder, told apart by its end
        self._after = after

    async def put(self, key: str, source: Source) -> int:
        if self._after:
            await super().put(key, source)
        raise DiedError

    async def delete(self, key: str) -> None:
        if self._after:
            await super().delete(key)
        raise DiedError


class DyingJobs(JobQueue):
    async def add(self, *_: NewJob) -> None:
        raise DiedError


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    shop = await barber(http, container)
    await insert_all(container, [make_booking(tomorrow(9), barber_id=shop.person.id) for _ in range(300)])
    return shop


def report_builder(
    container: Container, *, reports: ReportRepository | None = None, storage: Storage | None = None
) -> ReportBuilder:
    return ReportBuilder(
        reports or ReportRepository(container.database),
        ReportSources(container.get(BookingQueries), container.get(PayoutQueries), container.get(Statements)),
        container.get(BarberService),
        storage or container.get(Storage),
        timedelta(hours=1),
        container.clock,
    )


def service(container: Container, *, storage: Storage | None = None, jobs: JobQueue | None = None) -> ReportService:
    return ReportService(
        ReportRepository(container.database),
        container.get(BarberService),
        storage or container.get(Storage),
        jobs or container.get(JobQueue),
        container.get(Budgets),
        container.settings.reports,
        container.clock,
    )


async def dies_telling(_progress: float) -> None:
    raise DiedError


async def dies_writing(container: Container, report_id: UUID) -> None:
    await container.get(ReportBuilder).build(report_id, dies_telling)


async def dies_before_storing(container: Container, report_id: UUID) -> None:
    await report_builder(container, storage=DyingStorage(container, after=False)).build(report_id, RecordedProgress())


async def dies_after_storing(container: Container, report_id: UUID) -> None:
    await report_builder(container, storage=DyingStorage(container, after=True)).build(report_id, RecordedProgress())


async def dies_before_the_end(container: Container, report_id: UUID) -> None:
    await report_builder(container, reports=DyingReports(container.database)).build(report_id, RecordedProgress())


Death = Callable[[Container, UUID], Awaitable[None]]
DEATHS: list[Death] = [dies_writing, dies_before_storing, dies_after_storing, dies_before_the_end]


@pytest.mark.parametrize("death", DEATHS)
async def test_build_after_a_crash_succeeds(
    http: httpx.AsyncClient, container: Container, shop: Barber, death: Death
) -> None:
    report = await requested_report(http, shop.person)
    for _ in range(2):
        with pytest.raises(DiedError):
            await death(container, UUID(report["id"]))
        assert (await read_report(http, shop.person, report))["state"] == "running"
    await build_report(container, report)
    done = await read_report(http, shop.person, report)
    assert (await download(http, done)).content.count(b"\r\n") == 301
    assert await container.database["reports"].count_documents({"by.id": shop.person.id}) == 1
    before = await stored_files(container)
    await build_report(container, report)  # as where it died between the report's end and its job's
    again = await read_report(http, shop.person, done)
    assert again == {**done, "url": again["url"]}  # each reading signs a link of its own, by the second
    assert await stored_files(container) == before


@pytest.mark.parametrize("death", DEATHS)
async def test_report_deleted_after_a_crash_leaves_nothing(
    http: httpx.AsyncClient, container: Container, shop: Barber, death: Death
) -> None:
    report = await requested_report(http, shop.person)
    with pytest.raises(DiedError):
        await death(container, UUID(report["id"]))
    await ReportRepository(container.database).remove(shop.person.id, UUID(report["id"]))  # and here the other one died
    await build_report(container, report)
    assert UUID(report["id"]) not in await stored_files(container)


async def test_report_deleted_during_storing_leaves_nothing(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    report = await requested_report(http, shop.person)

    async def delete(progress: float) -> None:
        if progress > 0.9:
            await http.delete(f"{REPORTS}/{report['id']}", headers=shop.auth)

    await container.get(ReportBuilder).build(UUID(report["id"]), delete)
    assert UUID(report["id"]) not in await stored_files(container)


async def test_concurrent_builds_make_one_report(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    report = await requested_report(http, shop.person)
    await asyncio.gather(*(build_report(container, report) for _ in range(4)))
    done = await read_report(http, shop.person, report)
    assert len((await download(http, done)).content) == done["size"]


async def test_report_without_job_gets_its_job(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    report = await requested_report(http, shop.person)
    job_id = f"report:{report['id']}"
    await container.database["jobs"].delete_one({"_id": job_id})
    await container.get(ReportService).expire_and_repair()
    assert await container.get(JobQueue).find(job_id) is None  # the requesting process may be about to add it
    clock.shift = timedelta(minutes=2)
    await container.get(ReportService).expire_and_repair()
    assert await container.get(JobQueue).find(job_id)


async def test_repeated_request_adds_the_missing_job(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    report = await requested_report(http, shop.person, key="k")
    await container.database["jobs"].delete_one({"_id": f"report:{report['id']}"})
    assert (await post_report(http, shop.person, key="k")).json() == report
    assert await container.get(JobQueue).find(f"report:{report['id']}")


@pytest.mark.parametrize("state", ["dead", "dropped"])
async def test_report_with_a_dead_job_has_failed(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock, state: str
) -> None:
    report = await requested_report(http, shop.person)
    with pytest.raises(DiedError):
        await dies_after_storing(container, UUID(report["id"]))
    await container.database["jobs"].update_one({"_id": f"report:{report['id']}"}, {"$set": {"state": state}})
    clock.shift = timedelta(minutes=2)
    for _ in range(2):
        await container.get(ReportService).expire_and_repair()
        failed = await read_report(http, shop.person, report)
        assert (failed["state"], failed["failure"], failed["progress"]) == ("failed", "internal", 0)
    assert UUID(report["id"]) not in await stored_files(container)
    assert [(await post_report(http, shop.person)).status_code for _ in range(6)] == [202] * 5 + [429]  # it makes room
    await build_report(container, report)  # as where somebody has its job retried
    assert (await read_report(http, shop.person, report))["state"] == "done"


async def test_build_that_ends_after_the_failure_leaves_nothing(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    report = await requested_report(http, shop.person)

    async def give_up(_progress: float) -> None:
        await container.database["jobs"].update_one({"_id": f"report:{report['id']}"}, {"$set": {"state": "dead"}})
        clock.shift = timedelta(minutes=2)
        await container.get(ReportService).expire_and_repair()

    await container.get(ReportBuilder).build(UUID(report["id"]), give_up)
    assert (await read_report(http, shop.person, report))["state"] == "failed"
    assert UUID(report["id"]) not in await stored_files(container)


@pytest.mark.parametrize("death", ["before", "after"])
async def test_interrupted_expiry_is_completed(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock, death: str
) -> None:
    report = await built(http, container, shop.person)
    clock.shift = timedelta(hours=container.settings.reports.keep_h, minutes=1)
    with pytest.raises(DiedError):
        await service(container, storage=DyingStorage(container, after=death == "after")).expire_and_repair()
    await tend_reports({"container": container})
    person = await sign_in_again(http, shop.person)
    assert (await read_report(http, person, report))["state"] == "expired"
    assert UUID(report["id"]) not in await stored_files(container)


async def test_orphaned_files_are_deleted(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    kept, lost = await built(http, container, shop.person), await built(http, container, shop.person)
    await ReportRepository(container.database).remove(shop.person.id, UUID(lost["id"]))
    foreign = [new_id() for _ in range(3)]

    async def content() -> Any:
        yield b"of nobody"

    for report_id in foreign:
        await container.get(Storage).put(file_key(report_id), content())
    assert len([key async for key in container.get(Storage).keys(FILE_PREFIX)]) >= 5
    await sweep_report_files({"container": container})
    left = await stored_files(container)
    assert UUID(kept["id"]) in left
    assert not left & {UUID(lost["id"]), *foreign}


async def test_request_that_dies_before_its_job_is_stored(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    dying = DyingJobs(JobRepository(container.database), container.get(Queues), container.clock)
    actor = Actor(shop.person.id, Role.BARBER, new_id())
    with pytest.raises(DiedError):
        await service(container, jobs=dying).request(actor, msgspec.convert(report_body(), ReportIn), None)
    ((report,),) = await read_pages(http, REPORTS, {}, auth=shop.auth)
    assert report["state"] == "pending"
    clock.shift = timedelta(minutes=2)
    await container.get(ReportService).expire_and_repair()
    assert await container.get(JobQueue).find(f"report:{report['id']}")


async def test_worker_builds_the_report_with_visible_progress(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    reached, released = asyncio.Event(), asyncio.Event()

    class Watched(RunningJob):
        async def report_progress(self, progress: float) -> None:
            await super().report_progress(progress)
            reached.set()
            await released.wait()

    async def watched(container: Container, job: RunningJob) -> None:
        stored = await container.get(JobQueue).find(job.id)
        assert isinstance(stored, Job)
        await make_report(container, Watched(stored, JobRepository(container.database)))

    working = asyncio.create_task(work(container, {MAKE_REPORT: watched}))
    report = await requested_report(http, shop.person)
    await asyncio.wait_for(reached.wait(), PATIENCE_S)
    running = await read_report(http, shop.person, report)
    assert running["state"] == "running"
    assert 0 < running["progress"] < 1
    released.set()

    async def is_done() -> bool:
        return (await read_report(http, shop.person, report))["state"] == "done"

    await until(is_done)
    working.cancel()
    await asyncio.wait({working})
