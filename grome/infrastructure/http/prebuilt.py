"""Send a prepared JSON response, with headers that need no computation."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from sanic.response import BaseHTTPResponse

from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.compression import accepts_gzip, compressed

HeaderLines = tuple[tuple[bytes, bytes], ...]
_NO_STORE: Final[HeaderLines] = ((b"Cache-Control", NO_STORE.encode()),)
_VARYING: Final[HeaderLines] = (*_NO_STORE, (b"Vary", b"Accept-Encoding"))
_COMPRESSED: Final[HeaderLines] = (*_VARYING, (b"Content-Encoding", b"gzip"))


class PrebuiltResponse(BaseHTTPResponse):
    """Sanic's own response cleans and encodes every header of every answer, which can cost more than the answer.

    `lines` are sent as they are, after the request's id: names and values of our own making.
    """

    __slots__ = ("lines", "request_id")

    def __init__(self, request_id: str, body: bytes, lines: HeaderLines, status: int = 200) -> None:
        self.asgi = False
        self.body = body
        self.content_type = None
        self.stream = None
        self.status = status
        self.headers = {}  # type: ignore[assignment]  # Sanic adds length and connection
        self._cookies = None
        self.request_id, self.lines = request_id, lines

    @property
    def processed_headers(self) -> Iterator[tuple[bytes, bytes]]:
        yield b"X-Request-ID", self.request_id.encode()
        yield from self.lines
        for name, value in self.headers.items():
            if value != "":  # Sanic's `alt-svc`, where there is no other service
                yield name.encode(), f"{value}".encode()
        yield b"content-type", b"application/json"


def sent(
    body: bytes, encodings: str | None, gzip_min_bytes: int, age_s: int | None = None
) -> tuple[bytes, HeaderLines]:
    """Return the body in an encoding that the client accepts, and the header lines for the encoding."""
    lines = _NO_STORE
    if len(body) >= gzip_min_bytes:
        lines = _VARYING
        if encodings and accepts_gzip(encodings):
            body, lines = compressed(body), _COMPRESSED
    return body, lines if age_s is None else (*lines, (b"Age", b"%d" % age_s))


@lru_cache(maxsize=16)
def encode_lines(lines: HeaderLines) -> bytes:
    return b"".join(b"%b: %b\r\n" % line for line in lines)
