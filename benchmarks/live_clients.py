"""Thousands of WebSocket clients in one process: they count frames and note when each event arrived."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec

from benchmarks.load import LoadFailed

_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)  # a mask that changes nothing, so that clients cost the machine little
_HEAD_END: Final = b"\r\n\r\n"
_EVENT: Final = b'{"t":"event"'
_REPLY: Final = b'{"t":"reply"'
_BYE: Final = b'{"t":"bye"'


@dataclass(slots=True)
class Log:
    """Arrivals of events as (seconds of the wall clock, the frame), and close codes."""

    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    replies: int = 0
    closed: Counter[int] = field(default_factory=Counter)


class LiveClient(asyncio.Protocol):
    """Sends its frames after the handshake, answers pings, and logs events."""

    __slots__ = ("_buffer", "_frames", "_log", "_target", "is_open", "replied", "transport")

    def __init__(self, target: str, frames: Sequence[bytes], log: Log) -> None:
        self._target, self._frames, self._log = target, frames, log
        self._buffer = b""
        self.is_open = False
        self.replied: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(
            f"GET {self._target} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.time()
        buffer = self._buffer + data if self._buffer else data
        if not self.is_open:
            head, found, buffer = buffer.partition(_HEAD_END)
            if not found:
                self._buffer = head
                return
            if b" 101 " not in head[:16]:
                self.replied.set_exception(LoadFailed(f"no upgrade: {head[:60].decode(errors='replace')}"))
                self.transport.close()
                return
            self.is_open = True
            self.transport.write(b"".join(self._frames))
        self._buffer = self._read(buffer, now)

    def _read(self, buffer: bytes, now: float) -> bytes:
        """Take whole frames from the buffer, and return the rest."""
        place, size = 0, len(buffer)
        while size - place >= 2:
            length, start = buffer[place + 1], place + 2
            if length == 126:
                length, start = int.from_bytes(buffer[place + 2 : place + 4], "big"), place + 4
            elif length == 127:
                length, start = int.from_bytes(buffer[place + 2 : place + 10], "big"), place + 10
            if size < start + length:
                break
            self._take(buffer[place] & 0x0F, buffer[start : start + length], now)
            place = start + length
        return buffer[place:]

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == _PING:
            self.transport.write(bytes((_FINAL | _PONG, _MASKED | len(payload))) + _NO_MASK + payload)
        elif opcode == _CLOSE:
            self._log.closed[int.from_bytes(payload[:2], "big")] += 1
        elif payload.startswith(_EVENT):
            self._log.arrivals.append((now, payload))
        elif self.replied.done():
            return
        elif payload.startswith(_REPLY):
            self._log.replies += 1
            self.replied.set_result(payload)
        elif payload.startswith(_BYE):
            self.replied.set_exception(LoadFailed(f"no reply but {payload.decode()}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.replied.done():
            self.replied.set_exception(LoadFailed(f"a connection ended before its reply: {error!r}"))


def client_frame(frame: object) -> bytes:
    """Return a frame of a client as JSON text."""
    payload = msgspec.json.encode(frame)
    head = bytes((_FINAL | _TEXT,))
    if len(payload) < 126:
        return head + bytes((_MASKED | len(payload),)) + _NO_MASK + payload
    return head + bytes((_MASKED | 126,)) + len(payload).to_bytes(2, "big") + _NO_MASK + payload


def sign_in_frames(token: str, rooms: Sequence[object]) -> list[bytes]:
    """Return `hello`, and `sub` with the id 1."""
    return [
        client_frame({"t": "hello", "token": token}),
        client_frame({"t": "sub", "id": 1, "rooms": list(rooms)}),
    ]


async def connect(
    url: str, target: str, frames_of: Sequence[Sequence[bytes]], log: Log, at_once: int = 200
) -> list[LiveClient]:
    """Open a connection for each list of frames, so many at once, and wait until each got its reply."""
    loop, parts = asyncio.get_running_loop(), urlsplit(url)
    clients: list[LiveClient] = []
    gate = asyncio.Semaphore(at_once)

    async def open_one(frames: Sequence[bytes]) -> None:
        async with gate:
            _, client = await loop.create_connection(
                lambda: LiveClient(target, frames, log), parts.hostname, parts.port
            )
            clients.append(client)
            async with asyncio.timeout(60):
                await client.replied

    async with asyncio.TaskGroup() as group:
        for frames in frames_of:
            group.create_task(open_one(frames))
    return clients


async def disconnect(clients: Sequence[LiveClient]) -> None:
    """Cut all connections, as a lost network does."""
    for client in clients:
        client.transport.abort()
    await asyncio.sleep(0)


def rss_bytes(pids: Sequence[int]) -> int:
    """Sum the resident memory of processes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm") as told:  # noqa: PTH123 -- not a file
            total += int(told.read().split()[1]) * page
    return total
