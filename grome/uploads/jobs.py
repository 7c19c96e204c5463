"""Jobs of uploads."""

from typing import Any

from grome.infrastructure.container import Container
from grome.uploads.service import UploadService


async def remove_unused_uploads(saq: dict[str, Any]) -> None:
    """Remove expired uploads and stray files; runs every quarter of an hour."""
    container: Container = saq["container"]
    await container.get(UploadService).remove_unused()
