"""What workers do with reports."""

from typing import Any
from uuid import UUID

from loguru import logger

from grome.composition import AppContext
from grome.infrastructure.jobs.runner import RunningJob


async def make_report(context: AppContext, job: RunningJob) -> None:
    await context.report_builder.build(UUID(job.payload["report_id"]), job.report_progress)


async def tend_reports(saq: dict[str, Any]) -> None:
    """Runs every minute."""
    context: AppContext = saq["grome"]
    await context.reports.expire_and_repair()


async def sweep_report_files(saq: dict[str, Any]) -> None:
    """Runs every hour."""
    context: AppContext = saq["grome"]
    if swept := await context.reports.delete_orphaned_files():
        logger.info("{} files whose reports are gone were deleted", swept)
