"""Read content in chunks, and keep the blocking calls of local files off the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import IO, Final, ParamSpec, TypeVar

from grome.common.errors import Unavailable
from grome.infrastructure.storage.protocol import Source

P = ParamSpec("P")
T = TypeVar("T")
CHUNK: Final = 2**18


async def chunks_of(source: Source) -> AsyncGenerator[bytes]:
    """Yield the content of a local file or of another source in chunks."""
    if isinstance(source, Path):
        file = await asyncio.to_thread(source.open, "rb")
        try:
            async for chunk in read_chunks(file):
                yield chunk
        finally:
            file.close()
    else:
        async for chunk in source:
            yield chunk


async def read_chunks(file: IO[bytes]) -> AsyncGenerator[bytes]:
    while chunk := await in_thread(file.read, CHUNK):
        yield chunk


async def in_thread(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `do` in a thread. Raises Unavailable for an OSError."""
    try:
        return await asyncio.to_thread(do, *args, **kwargs)
    except OSError as error:
        raise Unavailable("The folder of files cannot be used.") from error
