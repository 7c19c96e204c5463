"""Re-encode files in processes of their own: one at a time, within limits of time, memory and output."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from loguru import logger

from grome.common.errors import Unavailable
from grome.infrastructure.images import limits

# A process may use `limits.MEMORY_BYTES`, and the container of an API worker has to hold that.
MAX_CONCURRENT: Final = 1
MAX_WAITING: Final = 32
# Much longer than the CPU seconds that the process may use, since other processes go first.
_TIMEOUT_S: Final = 40.0
_MAX_OUTPUT: Final = 16 * 2**20
_CHUNK: Final = 2**18
_JPEG: Final = b"\xff\xd8\xff"
_COMMAND: Final = (sys.executable, "-s", "-P", "-m", "grome.infrastructure.images.child")
# Only where modules are found: no setting, and so no secret.
_ENVIRONMENT: Final = {"PYTHONPATH": str(Path(__file__).parents[3])}


class Refusal(StrEnum):
    """Completes the sentence "The upload …"."""

    NOT_READABLE = "has a file that cannot be read, or is not of the announced type"
    TOO_LARGE = f"has an image with more than {limits.MAX_PIXELS} pixels"
    TOO_COSTLY = "has a file that takes too much memory or time to read"


class ImageRefusedError(Exception):
    """The file is no image that may be used."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A JPEG image without metadata."""

    width: int
    height: int
    content: bytes


class ImageEncoder:
    """Decodes files by strangers in a process for each, and returns them as JPEG images.

    No process outlives its file: a file that takes a decoder over sees no other person's file. The process does
    not get the environment of Grome, and can open neither files nor connections.
    """

    def __init__(self, command: Sequence[str] = _COMMAND, timeout_s: float = _TIMEOUT_S) -> None:
        self._command, self._timeout_s = command, timeout_s
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._waiting = 0

    async def encode(
        self, content: AsyncGenerator[bytes], content_type: str, sides: Sequence[int]
    ) -> list[EncodedImage]:
        """Return one image for each of `sides`, the longest side in pixels; a small image is not enlarged.

        `content` is read when the turn of the file comes. Raises ImageRefusedError, and Unavailable if too many files
        wait or the machine is too busy.
        """
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many images are being read.")
        self._waiting += 1
        try:
            async with self._slots, aclosing(content):
                beginning = await anext(content, b"")  # so that a file that is refused at once costs no process
                return await self._run(beginning, content, content_type, sides)
        finally:
            self._waiting -= 1

    async def _run(
        self, beginning: bytes, rest: AsyncGenerator[bytes], content_type: str, sides: Sequence[int]
    ) -> list[EncodedImage]:
        command = (*self._command, content_type, *map(str, sides))
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_ENVIRONMENT, cwd="/"
            )
        except OSError as error:
            raise Unavailable("The machine cannot start a process.") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                await _send(process, beginning, rest)
                output = await _receive(process)
                status = await process.wait()
        except TimeoutError:
            raise Unavailable("Reading the image took too long.") from None
        finally:
            await _end(process)
        _check_status(status)
        return _parse(output, len(sides))


async def _send(process: Process, beginning: bytes, rest: AsyncGenerator[bytes]) -> None:
    if process.stdin is None:
        raise TypeError("the process has no standard input")
    with suppress(BrokenPipeError, ConnectionResetError):  # it has ended, and its status tells why
        process.stdin.write(beginning)
        async for chunk in rest:
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _receive(process: Process) -> bytes:
    """Return the output. Raises ImageRefusedError for more output than images can have."""
    if process.stdout is None:
        raise TypeError("the process has no standard output")
    output = bytearray()
    while chunk := await process.stdout.read(_CHUNK):
        output += chunk
        if len(output) > _MAX_OUTPUT:
            raise ImageRefusedError(Refusal.TOO_COSTLY)
    return bytes(output)


async def _end(process: Process) -> None:
    """Kill the process if it runs, and reap it, also if the request was cancelled."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await asyncio.shield(_reap(process))


async def _reap(process: Process) -> None:
    """Wait for the end of the process and of its output. A pipe that is not read to its end is never closed."""
    while process.stdout and await process.stdout.read(_CHUNK):
        pass
    await process.wait()


def _check_status(status: int) -> None:
    if status == 0:
        return
    if status == limits.NOT_READABLE:
        raise ImageRefusedError(Refusal.NOT_READABLE)
    if status == limits.TOO_LARGE:
        raise ImageRefusedError(Refusal.TOO_LARGE)
    if status == limits.TOO_MUCH_MEMORY or -status in {signal.SIGXCPU, signal.SIGKILL}:
        raise ImageRefusedError(Refusal.TOO_COSTLY)
    logger.warning("the process that reads images ended with status {}", status)
    if status < 0:  # a fault in a decoder
        raise ImageRefusedError(Refusal.NOT_READABLE)
    raise Unavailable("The process that reads images does not work.")


def _parse(output: bytes, count: int) -> list[EncodedImage]:
    """Split the output into its images, and check it: a decoder under an attacker's control may write anything."""
    images: list[EncodedImage] = []
    rest = output
    while rest and len(images) < count:
        if len(rest) < limits.IMAGE_HEAD.size:
            break
        width, height, size = limits.IMAGE_HEAD.unpack_from(rest)
        content, rest = rest[limits.IMAGE_HEAD.size :][:size], rest[limits.IMAGE_HEAD.size + size :]
        if len(content) < size or not content.startswith(_JPEG):
            break
        images.append(EncodedImage(width, height, content))
    if rest or len(images) < count:
        logger.warning("the process that reads images wrote an output that is none")
        raise ImageRefusedError(Refusal.NOT_READABLE)
    return images
