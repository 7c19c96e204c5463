"""Read content in chunks, with local files off the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import Final, TypeVar

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedIOBase, AsyncBufferedReader

from grome.common.errors import Unavailable
from grome.infrastructure.storage.protocol import Source

T = TypeVar("T")
CHUNK: Final = 2**18


async def chunks_of(source: Source) -> AsyncGenerator[bytes]:
    """Yield the content of a local file or of another source in chunks."""
    if isinstance(source, Path):
        file = await open_to_read(source)
        try:
            async for chunk in read_chunks(file):
                yield chunk
        finally:
            await close(file)
    else:
        async for chunk in source:
            yield chunk


async def open_to_read(path: Path) -> AsyncBufferedReader:
    """Open a file; also a call that is cancelled meanwhile, as by a client that leaves, keeps no file open."""
    opening = asyncio.ensure_future(aiofiles.open(path, "rb"))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unused)  # the thread opens the file nevertheless
        raise


def _close_unused(opening: asyncio.Future[AsyncBufferedReader]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().raw.close()


async def close(file: AsyncBufferedIOBase) -> None:
    """Close the file; also a call that is cancelled meanwhile has it closed, since its thread goes on."""
    await asyncio.shield(file.close())


async def read_chunks(file: AsyncBufferedReader) -> AsyncGenerator[bytes]:
    while chunk := await guarded(file.read(CHUNK)):
        yield chunk


async def guarded(call: Awaitable[T]) -> T:
    """Await a call to the file system. Raises Unavailable for an OSError."""
    try:
        return await call
    except OSError as error:
        raise Unavailable("The folder of files cannot be used.") from error
