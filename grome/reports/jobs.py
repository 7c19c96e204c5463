"""Run the jobs of reports."""

from typing import Any
from uuid import UUID

from loguru import logger

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.reports.builder import ReportBuilder
from grome.reports.service import ReportService


async def make_report(container: Container, job: RunningJob) -> None:
    await container.get(ReportBuilder).build(UUID(job.payload["report_id"]), job.report_progress)


async def tend_reports(saq: dict[str, Any]) -> None:
    """Expire files and repair reports without a job; runs every minute."""
    container: Container = saq["container"]
    await container.get(ReportService).expire_and_repair()


async def sweep_report_files(saq: dict[str, Any]) -> None:
    """Delete files without a report; runs every hour."""
    container: Container = saq["container"]
    if swept := await container.get(ReportService).delete_orphaned_files():
        logger.info("{} report files without a report were deleted", swept)
