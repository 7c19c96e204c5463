"""Run the jobs of exports and deletions."""

from typing import Any
from uuid import UUID

from loguru import logger

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.privacy.deletion import DeletionService, Eraser
from grome.privacy.exporter import Exporter
from grome.privacy.retention import Retention
from grome.privacy.service import ExportService


async def make_export(container: Container, job: RunningJob) -> None:
    await container.get(Exporter).make(UUID(job.payload["export_id"]))


async def erase_account(container: Container, job: RunningJob) -> None:
    await container.get(Eraser).erase(UUID(job.payload["user_id"]))


async def tend_privacy(saq: dict[str, Any]) -> None:
    """Delete expired exports, and repair exports and deletions without a job; runs every minute."""
    container: Container = saq["container"]
    await container.get(ExportService).expire_and_repair()
    await container.get(DeletionService).repair()


async def sweep_export_files(saq: dict[str, Any]) -> None:
    """Delete files without an export; runs every hour."""
    container: Container = saq["container"]
    if swept := await container.get(ExportService).delete_orphaned_files():
        logger.info("{} export files without an export were deleted", swept)


async def expire_old_data(saq: dict[str, Any]) -> None:
    """Erase data that is kept long enough; runs every night."""
    container: Container = saq["container"]
    await container.get(Retention).run()
