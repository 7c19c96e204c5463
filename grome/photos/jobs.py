"""Jobs of photos."""

from typing import Any

from grome.infrastructure.container import Container
from grome.photos.service import PhotoService


async def delete_removed_photos(saq: dict[str, Any]) -> None:
    """Delete the files of removed photos that are left after an interruption; runs every quarter of an hour."""
    container: Container = saq["container"]
    await container.get(PhotoService).delete_removed()
