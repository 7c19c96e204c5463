"""Plain searches answered as their bytes arrive, past Sanic's parsing, routing and response (docs/decisions/0010).

Whatever is not plain is handed to Sanic unchanged: another method or path, an escaped character, a header that changes
how a request is read, a token that is not remembered, a place that no view covers. What is plain gets the very bytes
that the ordinary route would send. GROME_NEARBY_FAST_PATH=false turns it off.
"""

import re
import time
from asyncio import Transport
from functools import lru_cache
from typing import Final, cast

from msgspec import Struct
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

from config.settings import NearbySettings
from grome.common.errors import Invalid
from grome.common.http.decoding import QueryDecoder
from grome.common.http.operations import log_answer
from grome.common.http.request_id import ACCEPTABLE
from grome.common.ids import new_id
from grome.context import AppContext
from grome.nearby.answers import sent
from grome.nearby.models import Question
from grome.nearby.schemas import NearbyQuery
from grome.nearby.service import is_plain, question_of

PATH: Final = "/v1/barbers/nearby"
_START: Final = f"GET {PATH}?".encode()
_VERSION: Final = b" HTTP/1.1"
_END: Final = b"\r\n\r\n"
# Longer heads are Sanic's to judge.
_MAX_HEAD: Final = 8_192
_DEGREES: Final = re.compile(rb"-?\d{1,3}(?:\.\d{1,17})?")
_PLAIN_QUERY: Final = re.compile(rb"[A-Za-z0-9_.=&-]*")
# By these a request has a body, ends its connection, or is more than a request.
_CHANGING: Final = frozenset({"connection", "content-length", "expect", "transfer-encoding", "upgrade"})
_decode = QueryDecoder(NearbyQuery).decode


class Head(Struct, frozen=True):
    """What a plain request's headers say; `request_id` is the client's own."""

    token: str | None
    encodings: str
    request_id: str | None


def protocol(settings: NearbySettings) -> type[HttpProtocol]:
    """What a server of the application is to speak."""
    return FastPathProtocol if settings.fast_path else HttpProtocol


class FastPathProtocol(HttpProtocol):
    """Sanic's protocol, which sees each packet after this one has left it."""

    __slots__ = ("_head", "_head_bytes")

    def data_received(self, data: bytes) -> None:
        if not (data.startswith(_START) and self._is_between_requests() and self._answer(data)):
            super().data_received(data)

    def _is_between_requests(self) -> bool:
        """Whether Sanic waits for the next request, and the client takes what it is sent."""
        return (
            self.http is not None
            and self.http.stage is Stage.IDLE
            and not self.recv_buffer
            and self._can_write.is_set()
            and self.transport is not None
            and not self.transport.is_closing()
        )

    def _answer(self, data: bytes) -> bool:
        """Whether the packet was one whole plain request and was answered."""
        started = time.perf_counter()
        line_end = data.find(b"\r\n")
        if len(data) > _MAX_HEAD or data.find(_END) != len(data) - 4 or not data.endswith(_VERSION, 0, line_end):
            return False
        head = self._head_of(data[line_end:-4])
        asked = _asked(data[len(_START) : line_end - len(_VERSION)])
        if head is None or asked is None:
            return False
        context: AppContext = self.app.ctx.grome
        if head.token is not None and context.verifier.remembered(head.token) is None:
            return False
        body = context.nearby.at_once(*asked)
        if body is not None:
            self._send(body, head, started)
        return body is not None

    def _head_of(self, lines: bytes) -> Head | None:
        """A client's headers are mostly the same in all its requests, so the last ones are remembered."""
        if getattr(self, "_head_bytes", None) != lines:
            self._head_bytes, self._head = lines, _read_head(lines)
        return self._head

    def _send(self, body: bytes, head: Head, started: float) -> None:
        request_id = head.request_id or new_id().hex
        config = self.app.config
        body, lines = sent(body, request_id, head.encodings, config.GZIP_MIN_BYTES)
        told = b"".join([b"%b: %b\r\n" % line for line in lines])
        cast("Transport", self.transport).write(
            b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\nconnection: keep-alive\r\n"
            b"content-type: application/json\r\n\r\n%b" % (told, len(body), body)
        )
        self._time = time.monotonic()
        self.state["requests_count"] += 1
        if config.ACCESS_LOG_LINES:
            log_answer(request_id, "GET", PATH, 200, started, self.conn_info.client_ip if self.conn_info else "")


def _read_head(lines: bytes) -> Head | None:
    """None where a header is not plain. Of headers that come twice the first counts, as it does for Sanic."""
    found: dict[str, str] = {}
    for line in lines.decode(errors="surrogateescape").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.lstrip()
        if not colon or (name in _CHANGING and (name, value.lower()) != ("connection", "keep-alive")):
            return None
        found.setdefault(name, value)
    scheme, _, token = found.get("authorization", "Bearer").partition(" ")
    if scheme.lower() != "bearer" or (not token and "authorization" in found):
        return None
    request_id = found.get("x-request-id", "")
    return Head(
        token.strip() or None,
        found.get("accept-encoding", ""),
        request_id if ACCEPTABLE.fullmatch(request_id) else None,
    )


def _asked(query: bytes) -> tuple[float, float, Question] | None:
    """Where and what; None where it is not plain, or where there is something to refuse."""
    place: dict[bytes, bytes] = {}
    others: list[bytes] = []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name in (b"lat", b"lng") and name not in place:
            place[name] = value
        else:
            others.append(part)
    if len(place) != 2 or not (_DEGREES.fullmatch(place[b"lat"]) and _DEGREES.fullmatch(place[b"lng"])):  # noqa: PLR2004
        return None
    latitude, longitude = float(place[b"lat"]), float(place[b"lng"])
    question = _question(b"&".join(others))
    if question is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004
        return None
    return latitude, longitude, question


@lru_cache(maxsize=1_000)
def _question(others: bytes) -> Question | None:
    """What is asked beside the place, in whatever order; most clients send the same few."""
    if not _PLAIN_QUERY.fullmatch(others):
        return None
    given = {"lat": ["0"], "lng": ["0"]}
    for part in others.decode().split("&") if others else ():
        name, _, value = part.partition("=")
        given[name] = [*given.get(name, ()), value]
    try:
        query: NearbyQuery = _decode(given)
    except Invalid:
        return None
    return question_of(query) if is_plain(query) else None
