"""A WebSocket client that sends any bytes, and shows the frames that come back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from tests.support.eventually import PATIENCE_S

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MASK: Final = b"\x1f\x2e\x3d\x4c"
HANDSHAKE: Final = (
    "GET {path} HTTP/1.1\r\nHost: grome.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


def handshake(path: str = "/echo", *more: str) -> bytes:
    return HANDSHAKE.format(path=path, more="".join(f"{line}\r\n" for line in more)).encode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """Return a client's frame (RFC 6455, section 5.2); `reserved` are the bits RSV1 to RSV3 as a number."""
    length = len(payload)
    if length < 126:
        head = bytes([length | 128 * masked])
    elif length < 2**16:
        head = bytes([126 | 128 * masked]) + length.to_bytes(2, "big")
    else:
        head = bytes([127 | 128 * masked]) + length.to_bytes(8, "big")
    body = bytes(byte ^ _MASK[at % 4] for at, byte in enumerate(payload)) if masked else payload
    return bytes([opcode | reserved << 4 | 128 * fin]) + head + (_MASK + body if masked else body)


def close_frame(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


@dataclass(frozen=True)
class Received:
    """A frame of the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


class RawClient:
    """One connection on a plain socket, which shows the bytes that came before a reset. Each wait has a bound."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._received = bytearray()

    async def send(self, data: bytes) -> None:
        with suppress(ConnectionError):  # the server may have seen enough
            await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(self.line, data), PATIENCE_S)

    async def send_in_pieces(self, data: bytes) -> None:
        """Send each byte in a packet of its own, which the server on the same event loop reads at once."""
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await asyncio.sleep(0)

    async def read_head(self) -> bytes:
        """Return the head of an HTTP response."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            assert await self._receive_more(), bytes(self._received)
        return self._take(end + 4)

    async def read_body(self, length: int) -> bytes:
        assert await self._has(length)
        return self._take(length)

    async def receive(self) -> Received | None:
        """Return the next frame, or None at the end of the stream."""
        if not await self._has(2):
            return None
        first, length = self._take(2)
        assert first & 0b1111_0000 == 0b1000_0000, "a fragment, or a reserved bit"
        assert length < 128, "a mask"
        if length > 125:
            width = 2 if length == 126 else 8
            assert await self._has(width)
            length = int.from_bytes(self._take(width), "big")
        assert await self._has(length)
        return Received(first & 15, self._take(length))

    async def receive_all(self) -> list[Received]:
        """Return the frames up to the end of the stream."""
        found = []
        while received := await self.receive():
            found.append(received)
        return found

    async def _has(self, count: int) -> bool:
        while len(self._received) < count:
            if not await self._receive_more():
                return False
        return True

    async def _receive_more(self) -> bool:
        with suppress(ConnectionError):
            receiving = asyncio.get_running_loop().sock_recv(self.line, 65_536)
            received = await asyncio.wait_for(receiving, PATIENCE_S)
            self._received += received
            return bool(received)
        return False

    def _take(self, count: int) -> bytes:
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def end_sending(self) -> None:
        self.line.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Cut the connection by a RST packet, as a crashed client does."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.line.close()


@asynccontextmanager
async def connected(
    port: int, request: bytes | None = None, *, receive_buffer: int | None = None
) -> AsyncIterator[RawClient]:
    """Open a connection and check the response to its handshake."""
    async with opened(port, receive_buffer=receive_buffer) as client:
        await client.send(request or handshake())
        head = await client.read_head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield client


@asynccontextmanager
async def opened(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[RawClient]:
    with socket.socket() as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", port))
        yield RawClient(line)
