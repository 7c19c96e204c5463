"""Files that clients fetch: in a folder of this machine or in an S3 bucket, with the same promises."""

import asyncio
import os
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final, ParamSpec, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

from config.settings import Settings
from grome.common.errors import Unavailable
from grome.infrastructure.storage.links import FileLinks

P = ParamSpec("P")
T = TypeVar("T")
CHUNK: Final = 2**18
_MAX_KEY: Final = 200
# No capitals, which some file systems do not tell apart, and no part that begins with a dot.
_SAFE: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_PARTS: Final = ".parts"
# Quotes and backslashes end or escape a quoted string; the others part paths, or mean something to a shell or browser.
_UNSAFE_IN_NAMES: Final = re.compile(r"[^\w .()+,=@~-]")

Source = Path | AsyncIterable[bytes]


class MissingFileError(Exception):
    """Nothing is stored under the key."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A stored file while it is read; one that is replaced or deleted meanwhile is still read to its end."""

    size: int
    chunks: AsyncIterator[bytes]


class Storage(Protocol):
    """A key is a path such as `reports/2f9c`: lower-case letters, digits, `.`, `_`, `-`; any other is a ValueError.

    Every method raises Unavailable where the storage does not answer in time or has no room.
    """

    async def put(self, key: str, source: Source) -> int:
        """Store the file whole or not at all, in the place of any that is there; returns its size in bytes."""

    def open(self, key: str) -> AbstractAsyncContextManager[OpenFile]:
        """Raises MissingFileError."""

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None:
        """A second time is no fault."""

    def keys(self, prefix: str) -> AsyncGenerator[str]:
        """All that begin with `prefix`, which ends with a slash; in no order."""

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        """Return an address at which any holder can fetch the file for `seconds`. The file need not exist."""

    async def drop_unfinished(self, before: datetime) -> int:
        """Remove uploads by `put` that began before this moment in a process that died; return their number."""

    async def close(self) -> None: ...


def open_storage(settings: Settings, links: FileLinks) -> Storage:
    if settings.storage.kind == "s3":
        # Imported here: the import costs half a second and 30 MB, wasted without a bucket.
        from grome.infrastructure.storage.s3 import S3Storage  # noqa: PLC0415

        return S3Storage(settings.storage)
    return FolderStorage(Path(settings.home) / "files", links)


def checked(key: str) -> str:
    if len(key) > _MAX_KEY or not _SAFE.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the key of a file")
    return key


def disposition(download_name: str) -> str:
    """The Content-Disposition that has a client save a file under this name instead of showing it (RFC 6266).

    Command-line clients read the plain parameter only, and would save the file under the last part of its address.
    """
    return f"attachment; {named(download_name)}"


def named(download_name: str) -> str:
    """The parameters with a file's name: in ASCII for every client, and as it is for those that know RFC 8187."""
    ascii_name = unicodedata.normalize("NFKD", download_name).encode("ascii", "ignore").decode()
    plain = _UNSAFE_IN_NAMES.sub("_", ascii_name).lstrip(".") or "file"
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(download_name, safe='')}"


class FolderStorage:
    """Files under a folder; its links lead to a route of ours."""

    def __init__(self, root: Path, links: FileLinks) -> None:
        self._root, self._links = root, links

    async def put(self, key: str, source: Source) -> int:
        path, part = self._path(key), self._root / _PARTS / uuid4().hex
        size = 0
        file = await _in_thread(_create, part)
        try:
            async for chunk in chunks_of(source):
                await _in_thread(file.write, chunk)
                size += len(chunk)
            await _in_thread(_move_into_place, file, part, path)
        finally:
            await _in_thread(_discard, file, part)
        return size

    @asynccontextmanager
    async def open(self, key: str) -> AsyncGenerator[OpenFile]:
        file = await _in_thread(_open, self._path(key))
        try:
            yield OpenFile(os.fstat(file.fileno()).st_size, _read(file))
        finally:
            file.close()

    async def exists(self, key: str) -> bool:
        return await _in_thread(self._path(key).is_file)

    async def delete(self, key: str) -> None:
        await _in_thread(self._path(key).unlink, missing_ok=True)

    async def keys(self, prefix: str) -> AsyncGenerator[str]:
        for path in await _in_thread(_files_below, self._path(prefix.rstrip("/"))):
            yield path.relative_to(self._root).as_posix()

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        return self._links.write(checked(key), seconds, download_name, content_type)

    async def drop_unfinished(self, before: datetime) -> int:
        return await _in_thread(_remove_older, self._root / _PARTS, before.timestamp())

    async def close(self) -> None:
        """Holds nothing open."""

    def _path(self, key: str) -> Path:
        return self._root / checked(key)


async def chunks_of(source: Source) -> AsyncGenerator[bytes]:
    """Yield the content of a local file or of another source in chunks."""
    if isinstance(source, Path):
        file = await asyncio.to_thread(source.open, "rb")
        try:
            async for chunk in _read(file):
                yield chunk
        finally:
            file.close()
    else:
        async for chunk in source:
            yield chunk


async def _read(file: IO[bytes]) -> AsyncGenerator[bytes]:
    while chunk := await _in_thread(file.read, CHUNK):
        yield chunk


async def _in_thread(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(do, *args, **kwargs)
    except OSError as error:
        raise Unavailable("The folder of files cannot be used.") from error


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
