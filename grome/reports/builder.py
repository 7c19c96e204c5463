"""Build a report: its items are written, batch by batch, into a file that is stored when it is complete."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from grome.barbers.service import BarberService
from grome.common.clock import Clock
from grome.infrastructure.documents.tables import Row, TooLongError
from grome.infrastructure.storage.protocol import Storage
from grome.reports.csv_file import CsvFile
from grome.reports.models import Failure, Format, Report, file_key
from grome.reports.repository import ReportRepository
from grome.reports.sources import ReportSources
from grome.reports.tables import EMPTY_NOTE, Names, ReportTable, create_table

ReportProgress = Callable[[float], Awaitable[None]]
# Less than half a second's work in a PDF: a worker that shuts down waits for its threads.
_ROWS_PER_BATCH: Final = 50
_PROGRESS_STEP: Final = 0.01  # smallest progress that is stored
_WRITTEN_SHARE: Final = 0.95  # the rest is the storing of the file


class TableFile(Protocol):
    def add(self, rows: Sequence[Row]) -> None: ...

    def finish(self, totals: Sequence[str]) -> None: ...

    def close(self) -> None:
        """Close the file, even if it was not finished."""


class ReportBuilder:
    def __init__(
        self,
        reports: ReportRepository,
        sources: ReportSources,
        barbers: BarberService,
        storage: Storage,
        keep: timedelta,
        clock: Clock,
    ) -> None:
        self._reports, self._sources, self._barbers, self._storage = reports, sources, barbers, storage
        self._keep, self._clock = keep, clock

    async def build(self, report_id: UUID, report_progress: ReportProgress) -> None:
        """Build a report, idempotently: in the end there is one file, or none if the report was deleted meanwhile.

        `report_progress` receives the progress, 0 to 1.
        """
        report = await self._reports.mark_running(report_id)
        if report is None:
            if not await self._reports.existing_ids([report_id]):
                await self._storage.delete(file_key(report_id))  # an earlier try may have stored it
            return
        async with _scratch_folder() as folder:
            try:
                path = await self._write(report, folder, _in_steps(report_progress))
            except TooLongError:
                await self._reports.mark_failed(report.id, Failure.TOO_LONG, self._clock())
                return
            size = await self._storage.put(report.file_key, path)
        now = self._clock()
        if not await self._reports.mark_done(report.id, size, now, now + self._keep):
            await self._storage.delete(report.file_key)

    async def _write(self, report: Report, folder: Path, report_progress: ReportProgress) -> Path:
        table, path = create_table(report.kind, report.period), folder / "report"
        file = await asyncio.to_thread(_open_table, report, table, path, await self._lines(report))
        try:
            await self._fill(file, report, table, report_progress)
            await _add(file, table.remaining_rows())
            await asyncio.to_thread(file.finish, table.totals())
        finally:
            await asyncio.to_thread(file.close)
        await report_progress(_WRITTEN_SHARE)
        return path

    async def _fill(
        self, file: TableFile, report: Report, table: ReportTable[Any], report_progress: ReportProgress
    ) -> None:
        first, end = report.period.start, report.period.end
        async for items, last in self._sources.iter_items(report, table):
            await _add(file, table.rows(items, await self._names(table.barber_ids(items))))
            await report_progress(_WRITTEN_SHARE * _share_of_period(first, last or first, end))

    async def _names(self, barber_ids: Collection[UUID]) -> Names:
        barbers = await self._barbers.list_by_ids(list(barber_ids))
        return {barber.id: barber.display_name for barber in barbers}

    async def _lines(self, report: Report) -> list[str]:
        """Return the lines under the title of a PDF."""
        about = "All barbers"
        if report.barber_id is not None:
            found = await self._barbers.list_by_ids([report.barber_id])
            about = found[0].display_name if found else str(report.barber_id)
        period = report.period
        return [about, f"{period.first} to {period.last}, days of {period.timezone}"]


@asynccontextmanager
async def _scratch_folder() -> AsyncGenerator[Path]:
    folder = await asyncio.to_thread(partial(tempfile.TemporaryDirectory, prefix="grome-report-"))
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)


def _open_table(report: Report, table: ReportTable[Any], path: Path, lines: Sequence[str]) -> TableFile:
    if report.format is Format.CSV:
        return CsvFile(path.open("wb"), table.columns, report.separator)
    # Importing it takes half a second and 30 MB, so only a worker that builds a PDF imports it.
    from grome.infrastructure.documents.pdf_file import Heading, PdfFile  # noqa: PLC0415

    made = f"Made {report.created_at:%Y-%m-%d %H:%M} UTC"
    heading = Heading(
        table.title,
        [*lines, made],
        report.created_at,
        page="Page {number} of {total}",
        legend="stands for a character that this document has no font for; the CSV file has it.",
        empty_note=EMPTY_NOTE,
    )
    return PdfFile(path.open("wb"), path.parent, heading, table.columns)


async def _add(file: TableFile, rows: Iterator[Row]) -> None:
    while batch := list(islice(rows, _ROWS_PER_BATCH)):
        await asyncio.to_thread(file.add, batch)


def _in_steps(report_progress: ReportProgress) -> ReportProgress:
    """Skip progress that is hardly more than the last."""
    told = 0.0

    async def tell_steps(progress: float) -> None:
        nonlocal told
        if progress >= told + _PROGRESS_STEP:
            told = progress
            await report_progress(progress)

    return tell_steps


def _share_of_period(first: datetime, moment: datetime, end: datetime) -> float:
    """Return the position of a moment in the period, as progress.

    Items come in order and are not counted beforehand.
    """
    return (moment - first) / (end - first)
