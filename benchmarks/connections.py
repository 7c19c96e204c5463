"""HTTP/1.1 over one kept-alive connection, with as little work as a measuring client can do."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, cast
from urllib.parse import urlsplit

import msgspec

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One request at a time. Raises ConnectionError where the server ends the connection before its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._awaited: asyncio.Future[Answer] | None = None
        self._ended = asyncio.Event()

    @classmethod
    async def open(cls, url: str) -> Self:
        address = urlsplit(url)
        _, connection = await asyncio.get_running_loop().create_connection(
            cls, address.hostname or "", address.port or 80
        )
        return connection

    async def ask(self, request: bytes) -> Answer:
        """`request` is the whole of it, head and body."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("The server has closed the connection")
        self._awaited = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._awaited

    async def close(self) -> None:
        """Returns once it is closed: a loop that ends earlier would leave it open."""
        if self._transport:
            self._transport.close()
            await self._ended.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own has the methods, but not the class

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_END_OF_HEAD)
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end)
        start = end + len(_END_OF_HEAD)
        stop = start + (int(length[1]) if length else 0)
        if len(self._received) >= stop:
            answer = Answer(int(self._received[9:12]), self._received[start:stop])
            self._received = self._received[stop:]
            if self._awaited and not self._awaited.done():
                self._awaited.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended.set()
        if self._awaited and not self._awaited.done():
            self._awaited.set_exception(ConnectionError(f"The connection was lost: {error or 'closed'}"))


def raw_request(method: str, target: str, headers: Mapping[str, str], body: object = None) -> bytes:
    """The bytes of a request; `body` is sent as JSON, None as nothing."""
    content = b"" if body is None else msgspec.json.encode(body)
    fields = {"Host": "127.0.0.1", **headers}
    if content:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + content
