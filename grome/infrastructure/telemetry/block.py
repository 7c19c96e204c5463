"""The shared memory of metrics: a slot for each process, with a directory of series and their 64-bit integers.

Each cell is aligned to 8 bytes and written by one process, so a reader sees the value before or after an addition.
"""

import fcntl
import mmap
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_SERIES_MAX: Final = 4_096
_CELLS_MAX: Final = 32_768
# Cells at the end, which take the counts of series beyond the maximum.
_SCRATCH_CELLS: Final = 32
_ENTRY_BYTES: Final = 192
_ENTRY_HEAD: Final = 16  # the first cell, and the length of the key
_HEADER_BYTES: Final = 128
_NAME_AT: Final = 40
_DIRECTORY_AT: Final = _HEADER_BYTES
_CELLS_AT: Final = _DIRECTORY_AT + _SERIES_MAX * _ENTRY_BYTES
_SLOT_BYTES: Final = _CELLS_AT + _CELLS_MAX * 8
_SEPARATOR: Final = "\x1f"
_FORMAT, _PID, _SERIES, _STARTED_US, _NEXT_CELL = range(5)
# Stands in the first cell of a block, so that a release with other sizes does not misread it.
_BLOCK_FORMAT: Final = zlib.crc32(repr((_SERIES_MAX, _CELLS_MAX, _ENTRY_BYTES, _ENTRY_HEAD, _NAME_AT)).encode())
_PREFIX: Final = "grome-telemetry-"

Key = tuple[str, ...]


class OtherFormatError(Exception):
    """The block has the format of another release."""


class Slot:
    """The counts of one process."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._header = memory[:_NAME_AT].cast("q")
        self.cells: memoryview = memory[_CELLS_AT:_SLOT_BYTES].cast("q")

    @classmethod
    def private(cls) -> "Slot":
        """Return a slot in the memory of this process."""
        slot = cls(memoryview(mmap.mmap(-1, _SLOT_BYTES)))
        slot.take("")
        return slot

    def take(self, name: str) -> None:
        """Make this process the owner of the slot. The counts stay."""
        encoded = name.encode()[: _HEADER_BYTES - _NAME_AT - 1]
        self._memory[_NAME_AT:_HEADER_BYTES] = encoded.ljust(_HEADER_BYTES - _NAME_AT, b"\0")
        self._header[_STARTED_US] = time.time_ns() // 1_000
        self._header[_PID] = os.getpid()

    @property
    def name(self) -> str:
        return bytes(self._memory[_NAME_AT:_HEADER_BYTES]).rstrip(b"\0").decode(errors="replace")

    @property
    def pid(self) -> int:
        return int(self._header[_PID])

    @property
    def started_at(self) -> float:
        """The start of the owner in Unix seconds."""
        return float(self._header[_STARTED_US] / 1e6)

    @property
    def is_alive(self) -> bool:
        """Return whether the owner of the slot runs."""
        return bool(self.pid) and _runs(self.pid)

    def open(self, key: Key, width: int) -> int:
        """Return the first cell of a new series; the cells of a series beyond the maximum are never read."""
        encoded = _SEPARATOR.join(key).encode()
        number, first = self._header[_SERIES], self._header[_NEXT_CELL]
        has_room = number < _SERIES_MAX and first + width <= _CELLS_MAX - _SCRATCH_CELLS
        if not has_room or len(encoded) > _ENTRY_BYTES - _ENTRY_HEAD:
            return _CELLS_MAX - _SCRATCH_CELLS
        at = _DIRECTORY_AT + number * _ENTRY_BYTES
        entry = self._memory[at : at + _ENTRY_BYTES]
        entry[_ENTRY_HEAD : _ENTRY_HEAD + len(encoded)] = encoded
        head = entry[:_ENTRY_HEAD].cast("q")
        head[0], head[1] = first, len(encoded)
        self._header[_NEXT_CELL] = first + width
        self._header[_SERIES] = number + 1  # last: readers see complete entries only
        return int(first)

    def series(self) -> Iterator[tuple[Key, int]]:
        """Yield the key and the first cell of each series."""
        for number in range(self._header[_SERIES]):
            at = _DIRECTORY_AT + number * _ENTRY_BYTES
            first, length = self._memory[at : at + _ENTRY_HEAD].cast("q")
            key = bytes(self._memory[at + _ENTRY_HEAD : at + _ENTRY_HEAD + length]).decode(errors="replace")
            yield tuple(key.split(_SEPARATOR)), first


class Block:
    """A file in memory with the slots of all processes under one main process.

    Raises OtherFormatError if another release made the file in a format of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("r+b") as file:
            memory = memoryview(mmap.mmap(file.fileno(), 0))
        size = len(memory)
        if memory[:_NAME_AT].cast("q")[_FORMAT] != _BLOCK_FORMAT:
            raise OtherFormatError
        self.slots = [Slot(memory[at : at + _SLOT_BYTES]) for at in range(0, size, _SLOT_BYTES)]

    def claim(self, name: str) -> Slot | None:
        """Make this process the owner of a slot, if possible that of a dead process of the same name.

        A process that starts beside its predecessor gets another slot. Returns None if all owners are alive.
        """
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
            unowned = [slot for slot in self.slots if not slot.is_alive]
            unowned.sort(key=lambda slot: (slot.name != name, slot.name != ""))
            if not unowned:
                return None
            unowned[0].take(name)
            return unowned[0]


@contextmanager
def shared_block(processes: int) -> Iterator[Path]:
    """Make a block for the processes under this process, and remove it at the end.

    Each process can start beside its predecessor. Blocks of main processes that were killed are removed too. The pages
    of the file take memory only when they are written.
    """
    folder = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108 -- a file of its own name, and only this user can open it
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            owner = int(path.name.removeprefix(_PREFIX).partition("-")[0])
            if not _runs(owner):
                path.unlink()
    handle, name = tempfile.mkstemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder)
    os.ftruncate(handle, 2 * processes * _SLOT_BYTES)
    os.pwrite(handle, _BLOCK_FORMAT.to_bytes(8, sys.byteorder), 8 * _FORMAT)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
