"""Make an export: all parts of the inventory are written into an archive, which is stored when it is complete."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.personal_data import Person
from grome.infrastructure.storage.protocol import Storage
from grome.privacy.archive import Archive
from grome.privacy.inventory import Inventory
from grome.privacy.models import EXPORT_LIFE, Export, ExportEvent, State, file_key
from grome.privacy.repository import ExportRepository

_MIB: Final = 2**20


class Exporter:
    """`max_mb` bounds the photos and documents in an archive."""

    def __init__(
        self, exports: ExportRepository, inventory: Inventory, storage: Storage, max_mb: int, clock: Clock
    ) -> None:
        self._exports, self._inventory, self._storage = exports, inventory, storage
        self._max_bytes, self._clock = max_mb * _MIB, clock

    async def make(self, export_id: UUID) -> None:
        """Make an export, idempotently: in the end there is one file, or none if the export is gone."""
        export = await self._exports.update_open(export_id, {"state": State.RUNNING.value})
        if export is None:
            if not await self._exports.existing_ids([export_id]):
                await self._storage.delete(file_key(export_id))  # an earlier try may have stored it
            return
        async with _scratch_folder() as folder:
            left_out = await self._write(export, folder / "archive")
            size = await self._storage.put(export.file_key, folder / "archive")
        now = self._clock()
        fields = {
            "state": State.DONE.value,
            "is_open": False,
            "size": size,
            "left_out": left_out,
            "ended_at": now,
            "expires_at": now + EXPORT_LIFE,
        }
        done = ExportEvent(id=new_id(), version=2, type=EventType.ACCOUNT_EXPORTED, at=now)
        if not await self._exports.update_open(export.id, fields, done):
            await self._storage.delete(export.file_key)

    async def _write(self, export: Export, path: Path) -> int:
        """Write the archive, and return the number of files that are left out."""
        archive, person = Archive(path, self._storage, self._max_bytes), Person(export.user_id, export.role)
        try:
            for part in self._inventory.parts:
                await archive.add_all(part.export(person))
            await archive.finish({"account": str(export.user_id), "made_at": self._clock().isoformat()})
        finally:
            await asyncio.to_thread(archive.close)
        return archive.left_out


@asynccontextmanager
async def _scratch_folder() -> AsyncGenerator[Path]:
    folder = await asyncio.to_thread(partial(tempfile.TemporaryDirectory, prefix="grome-export-"))
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)
