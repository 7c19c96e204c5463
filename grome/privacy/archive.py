"""Write the archive of an export: a ZIP file with JSON lists of records, and with stored files."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from grome.infrastructure.personal_data import Exported, ExportedFile, ExportedRecord
from grome.infrastructure.storage.protocol import MissingFileError, Storage

_BATCH: Final = 200
_encode: Final = msgspec.json.Encoder().encode


class Archive:
    """A ZIP file that is written item by item. Files beyond `max_bytes` of all files together are left out."""

    def __init__(self, path: Path, storage: Storage, max_bytes: int) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._storage, self._room = storage, max_bytes
        self._list: _JsonList | None = None
        self.left_out = 0
        self.lists: list[str] = []

    async def add_all(self, items: AsyncIterator[Exported]) -> None:
        """Add the items of one part. All records of a list come one after another."""
        batch: list[ExportedRecord] = []
        async for item in items:
            if isinstance(item, ExportedFile):
                await self._add_records(batch)
                batch = []
                await self._end_list()
                await self._add_file(item)
                continue
            if batch and (len(batch) == _BATCH or batch[-1].name != item.name):
                await self._add_records(batch)
                batch = []
            batch.append(item)
        await self._add_records(batch)
        await self._end_list()

    async def finish(self, about: dict[str, Any]) -> None:
        """Add a description of the archive, and close it."""
        text = json.dumps({**about, "lists": self.lists, "files_left_out": self.left_out}, indent=2)
        await asyncio.to_thread(self._zip.writestr, "about.json", text)
        await asyncio.to_thread(self._zip.close)

    def close(self) -> None:
        """Close the file, even if it was not finished."""
        self._list = None
        self._zip.close()

    async def _add_records(self, records: Sequence[ExportedRecord]) -> None:
        if not records:
            return
        name = records[0].name
        if self._list is None or self._list.name != name:
            await self._end_list()
            self._list = _JsonList(name, await asyncio.to_thread(self._zip.open, f"{name}.json", "w"))
            self.lists.append(name)
        await asyncio.to_thread(self._list.add, records)

    async def _end_list(self) -> None:
        if self._list:
            await asyncio.to_thread(self._list.end)
            self._list = None

    async def _add_file(self, file: ExportedFile) -> None:
        try:
            async with self._storage.open(file.key) as stored:
                if stored.size > self._room:
                    self.left_out += 1
                    return
                self._room -= stored.size
                # Photos are compressed already.
                entry = zipfile.ZipInfo(file.name)
                target = await asyncio.to_thread(self._zip.open, entry, "w")
                try:
                    async for chunk in stored.chunks:
                        await asyncio.to_thread(target.write, chunk)
                finally:
                    await asyncio.to_thread(target.close)
        except MissingFileError:  # deleted since it was listed
            self.left_out += 1


class _JsonList:
    """A JSON array that is written in batches."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self._file, self._is_empty = name, file, True

    def add(self, records: Sequence[ExportedRecord]) -> None:
        for record in records:
            self._file.write(b"[\n" if self._is_empty else b",\n")
            self._file.write(_encode(record.fields))
            self._is_empty = False

    def end(self) -> None:
        self._file.write(b"\n]\n")
        self._file.close()
