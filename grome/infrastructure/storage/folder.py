"""Keep files in a folder of this machine."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import aiofiles
from aiofiles.os import makedirs, unlink, wrap
from aiofiles.ospath import isfile
from aiofiles.threadpool.binary import AsyncBufferedIOBase, AsyncBufferedReader

from grome.infrastructure.storage.chunks import chunks_of, close, guarded, open_to_read, read_chunks
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
        await guarded(makedirs(part.parent, exist_ok=True))
        file = await guarded(aiofiles.open(part, "wb"))
        try:
            async for chunk in chunks_of(source):
                size += await guarded(file.write(chunk))
            await guarded(file.flush())
            await guarded(_move_into_place(file.fileno(), part, path))
        finally:
            await guarded(_discard(file, part))
        return size

    async def put_public(self, key: str, content: bytes, content_type: str) -> None:  # noqa: ARG002 -- the route knows it
        async def once() -> AsyncGenerator[bytes]:
            yield content

        await self.put(key, once())

    @asynccontextmanager
    async def open(self, key: str) -> AsyncGenerator[OpenFile]:
        file = await guarded(_open(self._path(key)))
        try:
            yield OpenFile(os.fstat(file.fileno()).st_size, read_chunks(file))
        finally:
            await close(file)

    async def exists(self, key: str) -> bool:
        return await guarded(isfile(self._path(key)))

    async def copy(self, source: str, target: str) -> None:
        async with self.open(source) as file:
            await self.put(target, file.chunks)

    async def delete(self, key: str) -> None:
        await guarded(_remove(self._path(key)))

    async def keys(self, prefix: str) -> AsyncGenerator[str]:
        for path in await guarded(_files_below(self._path(prefix.rstrip("/")))):
            yield path.relative_to(self._root).as_posix()

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        return self._links.write(checked_key(key), seconds, download_name, content_type)

    async def upload_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        return self._links.write_form(checked_key(key), size, content_type, seconds)

    async def drop_unfinished(self, before: datetime) -> int:
        return await guarded(_remove_older(self._root / _PARTS, before.timestamp()))

    async def close(self) -> None:
        """Holds nothing open."""

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)


async def _open(path: Path) -> AsyncBufferedReader:
    try:
        return await open_to_read(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise MissingFileError(path.name) from None


async def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        await unlink(path)


async def _discard(file: AsyncBufferedIOBase, part: Path) -> None:
    try:
        await close(file)  # which writes the rest of its buffer
    finally:
        await _remove(part)


@wrap
def _move_into_place(descriptor: int, part: Path, path: Path) -> None:
    """Move the file atomically and durably: a file recorded as stored survives a power failure."""
    os.fsync(descriptor)
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@wrap
def _files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@wrap
def _remove_older(folder: Path, moment: float) -> int:
    old = [path for path in folder.glob("*") if path.stat().st_mtime < moment]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
