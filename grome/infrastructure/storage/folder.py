"""Keep files in a folder of this machine."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from grome.infrastructure.storage.chunks import chunks_of, in_thread, read_chunks
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import MissingFileError, OpenFile, Source, UploadForm, checked_key

_PARTS: Final = ".parts"


class FolderStorage:
    """Files under a folder; its links lead to a route of ours."""

    def __init__(self, root: Path, links: FileLinks) -> None:
        self._root, self._links = root, links

    async def put(self, key: str, source: Source) -> int:
        path, part = self._path(key), self._root / _PARTS / uuid4().hex
        size = 0
        file = await in_thread(_create, part)
        try:
            async for chunk in chunks_of(source):
                await in_thread(file.write, chunk)
                size += len(chunk)
            await in_thread(_move_into_place, file, part, path)
        finally:
            await in_thread(_discard, file, part)
        return size

    async def put_public(self, key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002 -- the route knows it
        async def once() -> AsyncGenerator[bytes]:
            yield content

        await self.put(key, once())

    @asynccontextmanager
    async def open(self, key: str) -> AsyncGenerator[OpenFile]:
        file = await in_thread(_open, self._path(key))
        try:
            yield OpenFile(os.fstat(file.fileno()).st_size, read_chunks(file))
        finally:
            file.close()

    async def exists(self, key: str) -> bool:
        return await in_thread(self._path(key).is_file)

    async def copy(self, source: str, target: str) -> None:
        async with self.open(source) as file:
            await self.put(target, file.chunks)

    async def delete(self, key: str) -> None:
        await in_thread(self._path(key).unlink, missing_ok=True)

    async def keys(self, prefix: str) -> AsyncGenerator[str]:
        for path in await in_thread(_files_below, self._path(prefix.rstrip("/"))):
            yield path.relative_to(self._root).as_posix()

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        return self._links.write(checked_key(key), seconds, download_name, content_type)

    async def upload_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        return self._links.write_form(checked_key(key), size, content_type, seconds)

    async def drop_unfinished(self, before: datetime) -> int:
        return await in_thread(_remove_older, self._root / _PARTS, before.timestamp())

    async def close(self) -> None:
        """Holds nothing open."""

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise MissingFileError(path.name) from None


def _create(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def _move_into_place(file: IO[bytes], part: Path, path: Path) -> None:
    """Move the file atomically and durably: a file recorded as stored survives a power failure."""
    file.flush()
    os.fsync(file.fileno())
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(file: IO[bytes], part: Path) -> None:
    try:
        file.close()  # which writes the rest of its buffer
    finally:
        part.unlink(missing_ok=True)


def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _remove_older(folder: Path, moment: float) -> int:
    old = [path for path in folder.glob("*") if path.stat().st_mtime < moment]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
