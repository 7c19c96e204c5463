"""Run the jobs of reports."""

from typing import Any
from uuid import UUID

from loguru import logger

from grome.composition import AppContext
from grome.infrastructure.jobs.runner import RunningJob


async def make_report(context: AppContext, job: RunningJob) -> None:
    await context.report_builder.build(UUID(job.payload["report_id"]), job.report_progress)


async def tend_reports(saq: dict[str, Any]) -> None:
    """Expire files and repair reports without a job; runs every minute."""
    context: AppContext = saq["grome"]
    await context.reports.expire_and_repair()


async def sweep_report_files(saq: dict[str, Any]) -> None:
    """Delete files without a report; runs every hour."""
    context: AppContext = saq["grome"]
    if swept := await context.reports.delete_orphaned_files():
        logger.info("{} report files without a report were deleted", swept)
