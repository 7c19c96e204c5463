"""Copy stored files into a backup and back. Files are never changed, so each is copied once."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Final

from grome.infrastructure.backup.archive_file import ArchiveReader, ArchiveWriter, Block
from grome.infrastructure.storage.protocol import MissingFileError, Storage

# Files that a document refers to. Files under other prefixes are temporary.
_PREFIXES: Final = ("photos/", "uploads/", "reports/", "exports/")


async def copy_files(storage: Storage, archive: ArchiveWriter, known: Collection[str]) -> list[str]:
    """Copy the files that are not in the backup yet; return their keys."""
    copied: list[str] = []
    for prefix in _PREFIXES:
        new = [key async for key in storage.keys(prefix) if key not in known]
        copied += [key for key in new if await _copy(storage, archive, key)]
    return copied


async def _copy(storage: Storage, archive: ArchiveWriter, key: str) -> bool:
    try:
        async with storage.open(key) as file:
            await asyncio.to_thread(archive.write, {"block": "file", "key": key})
            async for chunk in file.chunks:
                await asyncio.to_thread(archive.write, {"block": "chunk"}, chunk)
    except MissingFileError:  # deleted since it was listed
        return False
    return True


async def restore_files(storage: Storage, archive: ArchiveReader) -> int:
    """Store all files of an archive; return their number."""
    count = 0
    blocks = (block for block in archive.blocks() if block.about["block"] in {"file", "chunk"})
    block = await asyncio.to_thread(next, blocks, None)
    while block:
        file = _File(blocks)
        await storage.put(block.about["key"], file.chunks())
        count += 1
        block = file.following
    return count


class _File:
    """Reads the chunks of a file; `following` is the first block behind them."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self.following: Block | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            if block.about["block"] == "file":
                self.following = block
                return
            yield block.body
