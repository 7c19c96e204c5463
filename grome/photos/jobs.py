"""Jobs of photos."""

from typing import Any

from grome.infrastructure.container import Container
from grome.photos.service import PhotoService


async def tidy_photos(saq: dict[str, Any]) -> None:
    """Delete the files of photos that an interruption has left; runs every hour."""
    container: Container = saq["container"]
    await container.get(PhotoService).tidy()
