"""What the local twins have sent: one JSON line each in one file, which any number of processes write together."""

import asyncio
import os
import threading
from pathlib import Path
from typing import IO, Generic, Protocol, TypeVar

import msgspec


class Line(Protocol):
    """`name` is what doubles have in common."""

    @property
    def name(self) -> str: ...


L = TypeVar("L", bound=Line)


class _Named(msgspec.Struct):
    name: str


class JsonlLog(Generic[L]):
    """Who writes holds a lock on the file, looks at the lines that others have added since, and adds what is missing.

    So there is nothing beside the file that could disagree with it: a process killed at any moment leaves the line or
    no line, and half a line is cut off by the next who writes. The file is its owner's alone to read.
    """

    def __init__(self, path: Path, kind: type[L]) -> None:
        self._path, self._line_type = path, kind
        self._thread_lock = threading.Lock()
        self._names: set[str] = set()
        self._inode, self._read_offset = 0, 0

    async def add(self, line: L) -> None:
        """A line whose name is there is left as it is."""
        await asyncio.to_thread(self._add, line)

    async def read(self) -> list[L]:
        """All lines, oldest first; empty where nothing was ever written."""
        return await asyncio.to_thread(self._read)

    def _add(self, line: L) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._thread_lock, self._path.open("a+b") as file:
            _lock(file)  # until it is closed
            self._catch_up(file)
            if line.name not in self._names:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()

    def _catch_up(self, file: IO[bytes]) -> None:
        state = os.fstat(file.fileno())
        if state.st_ino != self._inode or state.st_size < self._read_offset:  # somebody has removed or emptied it
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
