"""Open the storage that the settings name."""

from pathlib import Path

from config.settings import Settings
from grome.infrastructure.storage.folder import FolderStorage
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import Storage


def open_storage(settings: Settings, links: FileLinks) -> Storage:
    if settings.storage.kind == "s3":
        # Imported here: the import costs half a second and 30 MB, wasted without a bucket.
        from grome.infrastructure.storage.s3 import S3Storage  # noqa: PLC0415

        return S3Storage(settings.storage)
    return FolderStorage(Path(settings.home) / "files", links)
