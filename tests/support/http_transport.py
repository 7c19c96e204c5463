"""Carry HTTP/1.1 for httpx with httptools, the parser of Sanic. It needs less CPU time than httpcore and h11."""

import asyncio
import select
from collections import defaultdict, deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from functools import partial
from itertools import chain
from typing import Final, cast

import httptools
import httpx

_MAX_CONNECTIONS: Final = 100  # as many as httpx opens at a time
_BUFFERED_BYTES: Final = 262_144
_INTERIM: Final = range(100, 200)
_SWITCHING_PROTOCOLS: Final = 101


class _Connection(asyncio.Protocol):
    """One connection with one request at a time. The parser calls the methods `on_…`."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._is_paused = False
        self.is_closed = False
        self.fault: Exception | None = None
        self._start_response(has_body=True)

    def _start_response(self, *, has_body: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._has_body = has_body
        self._chunks.clear()
        self._buffered = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.reason = b""
        self.status = 0  # until the head has arrived
        self.is_complete = self._is_kept_alive = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_complete = True
        except httptools.HttpParserError as error:
            self.fault = httpx.RemoteProtocolError(str(error))
            self._transport.close()
        else:
            if self._buffered > _BUFFERED_BYTES and not self._is_paused:
                self._transport.pause_reading()
                self._is_paused = True
        self._changed.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        names = {name.lower() for name, _ in self.headers}
        if self.status and not names & {b"content-length", b"transfer-encoding"}:
            self.is_complete = True  # such a body ends with the connection
        if self.fault is None:
            told = "Server disconnected without sending a complete response"
            self.fault = httpx.ReadError(str(error)) if error else httpx.RemoteProtocolError(told)
        self._changed.set()

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status in _INTERIM and status != _SWITCHING_PROTOCOLS:
            self.headers, self.reason = [], b""
            return
        self.status = status
        if not self._has_body:
            self._complete()

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)
        self._buffered += len(data)

    def on_message_complete(self) -> None:
        if self.status:
            self._complete()

    def _complete(self) -> None:
        self.is_complete = True
        self._is_kept_alive = self._parser.should_keep_alive()  # the parser forgets it after the message

    @property
    def is_reusable(self) -> bool:
        """Whether the response is complete, and the server has neither closed the connection nor announced to."""
        is_idle = self.is_complete and self._is_kept_alive and not self.is_closed
        return is_idle and self.status != _SWITCHING_PROTOCOLS and not self._poll.poll(0)

    async def send(self, request: httpx.Request) -> None:
        self._start_response(has_body=request.method != "HEAD")
        head = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
        head += [b"%b: %b" % header for header in request.headers.raw]
        packet = b"\r\n".join([*head, b"", b""])
        is_chunked = "transfer-encoding" in request.headers
        async for data in cast("AsyncIterable[bytes]", request.stream):
            packet += b"%x\r\n%b\r\n" % (len(data), data) if is_chunked and data else data
            self._transport.write(packet)
            packet = b""
        self._transport.write(packet + (b"0\r\n\r\n" if is_chunked else b""))

    async def _wait(self, timeout_s: float | None) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError as error:
            raise httpx.ReadTimeout("") from error

    async def read_head(self, timeout_s: float | None) -> None:
        while not self.status:
            if self.fault:
                raise self.fault
            await self._wait(timeout_s)

    async def iter_body(self, timeout_s: float | None) -> AsyncIterator[bytes]:
        while self._chunks or not self.is_complete:
            if self._chunks:
                data = self._chunks.popleft()
                self._buffered -= len(data)
                if self._is_paused and not self._chunks:
                    self._transport.resume_reading()
                    self._is_paused = False
                yield data
            elif self.fault:
                raise self.fault
            else:
                await self._wait(timeout_s)

    def close(self) -> None:
        self._transport.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: _Connection, timeout_s: float | None, release: Callable[[], None]) -> None:
        self._connection, self._timeout_s, self._release = connection, timeout_s, release
        self._is_released = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.iter_body(self._timeout_s)

    async def aclose(self) -> None:
        if not self._is_released:
            self._is_released = True
            self._release()


def _find_reusable(idle: list[_Connection]) -> _Connection | None:
    while idle:
        connection = idle.pop()
        if connection.is_reusable:
            return connection
        connection.close()
    return None


class LeanTransport(httpx.AsyncBaseTransport):
    """Plain HTTP over connections that are kept, by host and port."""

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, int], list[_Connection]] = defaultdict(list)
        self._free = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", {})
        idle = self._idle[request.url.host, request.url.port or 80]
        await self._free.acquire()
        connection = None
        try:
            connection = _find_reusable(idle) or await self._connect(request.url, timeouts.get("connect"))
            await connection.send(request)
            await connection.read_head(timeouts.get("read"))
        except BaseException:
            if connection:
                connection.close()
            self._free.release()
            raise
        return httpx.Response(
            connection.status,
            headers=connection.headers,
            stream=_Body(connection, timeouts.get("read"), partial(self._release, connection, idle)),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": connection.reason},
        )

    async def _connect(self, url: httpx.URL, timeout_s: float | None) -> _Connection:
        if url.scheme != "http":
            raise httpx.UnsupportedProtocol(str(url))
        try:
            async with asyncio.timeout(timeout_s):
                _, made = await asyncio.get_running_loop().create_connection(_Connection, url.host, url.port or 80)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("") from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return made

    def _release(self, connection: _Connection, idle: list[_Connection]) -> None:
        """Keep the connection of a response that was read, and close another."""
        if connection.is_reusable:
            idle.append(connection)
        else:
            connection.close()
        self._free.release()

    async def aclose(self) -> None:
        for connection in chain.from_iterable(self._idle.values()):
            connection.close()
        self._idle.clear()
        await asyncio.sleep(0)  # they close in the next turn of the loop
