"""Sanic's HTTP/1.1 with the checks of RFC 9112 that Sanic leaves out, made before it parses.

Every refusal of a head or of a chunk closes the connection, since the end of such a message is unknown.
"""

import asyncio
import re
import time
from typing import Final

from sanic.exceptions import BadRequest, RequestTimeout
from sanic.http import Http, Stage
from sanic.http.http1 import HTTP_CONTINUE
from sanic.response import BaseHTTPResponse
from sanic.server.protocols.http_protocol import HttpProtocol

from grome.infrastructure.http.request_head import are_fields, check_beginning, read_head
from grome.infrastructure.http.request_metrics import count_response
from grome.infrastructure.http.standard_headers import complete_headers
from grome.infrastructure.http.stopping import IDLE_SECONDS, is_replaced

# A body of the largest size takes a slow phone less; a client that sends a byte now and then would otherwise hold its
# connection for days.
_BODY_SECONDS: Final = 60.0
_MAX_CHUNK_LINE: Final = 256
_MAX_TRAILERS: Final = 4_096
_NO_CHUNKS: Final = "The body is not in chunks."
_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:[\t ]*;[\t ]*%b(?:[\t ]*=[\t ]*(?:%b|\"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]"
    rb"|\\[\t\x20-\x7e\x80-\xff])*+\"))?)*" % (_TOKEN, _TOKEN)
)


class StrictHttp(Http):
    """`is_waiting` says that nothing of an earlier request is left to read or to answer.

    `began` is the `time.perf_counter` of the head of the request, and 0 before it has arrived.
    """

    __slots__ = ("began", "body_deadline", "is_waiting")

    def __init__(self, protocol: HttpProtocol) -> None:
        super().__init__(protocol)  # type: ignore[no-untyped-call]
        self.is_waiting = False

    def init_for_request(self) -> None:
        """Called by Sanic before it waits for a request, and at no other time."""
        super().init_for_request()  # type: ignore[no-untyped-call]
        self.is_waiting, self.began = True, 0.0
        self.body_deadline: float | None = None

    def respond(self, response: BaseHTTPResponse) -> BaseHTTPResponse:
        """Called by Sanic with each response, before middleware and before anything is sent."""
        complete_headers(self.request, response)
        if self.protocol.app.state.is_stopping:
            self.keep_alive = False
        return super().respond(response)

    async def http1_request_header(self) -> None:
        self.is_waiting = False
        buffer: bytearray = self.recv_buffer
        end = await self._receive_head()
        self.began = time.perf_counter()
        head = bytes(buffer[:end])
        self.head_only = head.startswith(b"HEAD ")
        read = read_head(head)
        if read.rewritten:
            buffer[:end] = read.rewritten
        await super().http1_request_header()  # type: ignore[no-untyped-call]
        # Methods are case-sensitive, and a client that sends `head` reads a body.
        self.head_only = read.method == b"HEAD"
        if read.closes:
            self.keep_alive = False
        # Sanic takes each request with this header for an open WebSocket, and ends its timeouts.
        self.upgrade_websocket = False
        if read.is_http_1_0:
            self.expecting_continue = False

    async def http1_response_header(self, data: bytes, end_stream: bool) -> None:  # noqa: FBT001 -- Sanic's
        """Called by Sanic once for each response, when its first bytes are to be sent."""
        count_response(self.request, self.response.status, self.began)
        await super().http1_response_header(data, end_stream)

    async def _receive_head(self) -> int:
        """Return where the head's empty line begins. A head that takes too long to arrive is a 408."""
        end = self._find_end_of_head()
        if end < 0:
            try:
                async with asyncio.timeout(self.protocol.request_timeout):
                    while end < 0:
                        await self._receive_more()
                        end = self._find_end_of_head()
            except TimeoutError:
                raise RequestTimeout("The head did not arrive in time.") from None
        return end

    def _find_end_of_head(self) -> int:
        buffer: bytearray = self.recv_buffer
        while buffer[:2] == b"\r\n":  # some clients send one after a body (RFC 9112, section 2.2)
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            check_beginning(bytes(buffer))
        return end

    async def read(self) -> bytes | None:
        """Return some bytes of the body, or None at its end. A body that takes too long to arrive is a 408."""
        if not self._is_chunked and (self.recv_buffer or not self.request_bytes_left):
            return await self._read_data()  # without waiting
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(HTTP_CONTINUE)
        now = self.protocol.loop.time()
        self.body_deadline = self.body_deadline or now + _BODY_SECONDS
        try:
            async with asyncio.timeout_at(min(self.body_deadline, now + self.protocol.request_timeout)):
                if self._is_chunked and not self.request_bytes_left and not await self._begin_chunk():
                    return None
                return await self._read_data()
        except TimeoutError:
            raise self._bad_body("The body did not arrive in time.", 408) from None

    @property
    def _is_chunked(self) -> bool:
        body: object = self.request_body
        return body == "chunked"

    async def _read_data(self) -> bytes | None:
        data: bytes | None = await super().read()
        return data

    async def _begin_chunk(self) -> bool:
        """Read a chunk's first line and return whether data follows; the last chunk is read to its end.

        Sanic leaves the CRLF before the line in the buffer (RFC 9112, section 7.1).
        """
        buffer: bytearray = self.recv_buffer
        end = await self._find_in_body(b"\r\n", 2, _MAX_CHUNK_LINE)
        line = _CHUNK_LINE.fullmatch(bytes(buffer[2:end]))
        if buffer[:2] != b"\r\n" or line is None:
            raise self._bad_body(_NO_CHUNKS)
        size = int(line[1], 16)
        if size:
            del buffer[: end + 2]
            self.request_bytes_left = size
            self.request_bytes += size  # type: ignore[operator]  # a number as soon as there is a head
            return True
        # Trailer fields are read and left out: none of them has a meaning here (RFC 9112, section 7.1.2).
        end_of_trailers = await self._find_in_body(b"\r\n\r\n", end, _MAX_TRAILERS)
        if not are_fields(bytes(buffer[end:end_of_trailers])):
            raise self._bad_body(_NO_CHUNKS)
        del buffer[: end_of_trailers + 4]
        self.request_body = None
        return False

    async def _find_in_body(self, wanted: bytes, start: int, limit: int) -> int:
        buffer: bytearray = self.recv_buffer
        while (end := buffer.find(wanted, start)) < 0 and len(buffer) <= start + limit:
            await self._receive_more()
        if not 0 <= end <= start + limit:
            raise self._bad_body(_NO_CHUNKS)
        return end

    def _bad_body(self, detail: str, status: int = 400) -> BadRequest:
        """Sanic's own class, which Sanic expects where it reads the rest of a body after the answer."""
        self.keep_alive = False
        error = BadRequest(detail)
        error.status_code = status
        return error


class StrictHttpProtocol(HttpProtocol):
    HTTP_CLASS = StrictHttp
    __slots__ = ()

    def close_if_idle(self) -> bool:
        """Close a connection without a request; called by Sanic when the listener has closed.

        A client that was served a moment ago may be sending its next request, so a replaced process waits until the
        connection was silent for some seconds.
        """
        if self.recv_buffer or not (self.http is None or self.http.stage is Stage.IDLE):
            return False
        silent_s = time.monotonic() - self._time
        if is_replaced(self.app) and silent_s < IDLE_SECONDS:
            self.loop.call_later(IDLE_SECONDS - silent_s, self.close_if_idle)
            return False
        self.close()
        return True
