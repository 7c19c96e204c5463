"""Append the messages of the local transports to one file, as one JSON line each; processes may share the file."""

import asyncio
import os
import threading
from pathlib import Path
from typing import IO, Generic, Protocol, TypeVar

import msgspec


class Line(Protocol):
    """Describes a line. Lines with the same `name` are duplicates."""

    @property
    def name(self) -> str: ...


L = TypeVar("L", bound=Line)


class _Named(msgspec.Struct):
    name: str


class JsonlLog(Generic[L]):
    """Appends lines under an exclusive lock, after reading the lines of other processes since the last append.

    There is no index beside the file that could contradict it. A process killed at any moment leaves the line, no line
    or half a line, which the next append cuts off. Only the owner can read the file.
    """

    def __init__(self, path: Path, kind: type[L]) -> None:
        self._path, self._line_type = path, kind
        self._thread_lock = threading.Lock()
        self._names: set[str] = set()
        self._inode, self._read_offset = 0, 0

    async def add(self, line: L) -> None:
        """Append a line, unless the file has its name."""
        await asyncio.to_thread(self._add, line)

    async def read(self) -> list[L]:
        """Return all lines, oldest first; empty if there is no file."""
        return await asyncio.to_thread(self._read)

    def _add(self, line: L) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._thread_lock, self._path.open("a+b") as file:
            _lock(file)  # released when the file is closed
            self._catch_up(file)
            if line.name not in self._names:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()

    def _catch_up(self, file: IO[bytes]) -> None:
        state = os.fstat(file.fileno())
        if state.st_ino != self._inode or state.st_size < self._read_offset:  # the file was removed or emptied
            self._names.clear()
            self._inode, self._read_offset = state.st_ino, 0
        file.seek(self._read_offset)
        lines = _whole_lines(file.read())
        self._names.update(msgspec.json.decode(line, type=_Named).name for line in lines)
        self._read_offset += sum(len(line) + 1 for line in lines)
        if self._read_offset < state.st_size:
            file.truncate(self._read_offset)

    def _read(self) -> list[L]:
        try:
            stored = self._path.read_bytes()
        except FileNotFoundError:
            return []
        return [msgspec.json.decode(line, type=self._line_type) for line in _whole_lines(stored)]


def _whole_lines(stored: bytes) -> list[bytes]:
    return stored.split(b"\n")[:-1]


def _lock(file: IO[bytes]) -> None:
    import fcntl  # noqa: PLC0415 -- absent on Windows, where the command line must still be imported to say so

    fcntl.flock(file, fcntl.LOCK_EX)
