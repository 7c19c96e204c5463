"""Answer searches in the protocol, past Sanic's parsing, routing and response (docs/decisions/0011-fast-path.md).

Every other request goes to Sanic unchanged: another method or path, an escaped character, a header that changes how a
request is read, a token that is not cached, a place that no tile covers. The response has the same bytes as that of the
ordinary route. GROME_NEARBY_FAST_PATH=false turns the fast path off.
"""

import time
from asyncio import Transport
from typing import Any, Final, cast

from msgspec import Struct

from config.settings import Settings
from grome.common.addresses import host_of
from grome.common.errors import ApiError
from grome.common.ids import new_hex_id
from grome.infrastructure.http.access_log import Target, log_response
from grome.infrastructure.http.cors import origin_headers
from grome.infrastructure.http.prebuilt import encode_lines, sent
from grome.infrastructure.http.proxies import TrustedProxies
from grome.infrastructure.http.request_head import read_fields
from grome.infrastructure.http.request_id import ACCEPTABLE
from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.infrastructure.tracing.spans import is_traced_by_client
from grome.infrastructure.websocket.sanic_protocol import SanicSocketProtocol
from grome.nearby.fast_query import PATH, FastAnswer, FastQueries, bearer_token

_TARGET: Final = Target("GET", PATH, PATH)
_START: Final = f"GET {PATH}?".encode()
_VERSION: Final = b" HTTP/1.1"
_END: Final = b"\r\n\r\n"
# Sanic decides about longer heads.
_MAX_HEAD: Final = 8_192
# With any of these headers a request has a body, ends its connection, or changes the protocol.
_UNSUPPORTED_HEADERS: Final = frozenset({"connection", "content-length", "expect", "transfer-encoding", "upgrade"})


class Head(Struct, frozen=True):
    """Holds the headers of a request that the fast path can read.

    `request_id` is the client's own, `host` stands for its address in limits, and `for_origin` are the lines of the
    response that a page of another origin needs.
    """

    token: str | None
    encodings: str
    request_id: str | None
    address: str
    host: str
    for_origin: bytes


def protocol_class(settings: Settings) -> type[StrictHttpProtocol]:
    """Return the protocol class for a server of the application."""
    is_fast = settings.nearby.fast_path and settings.http.serves != "live"
    if settings.live.light_sockets:
        return FastPathProtocol if is_fast else StrictHttpProtocol
    return _FastPathSocketProtocol if is_fast else SanicSocketProtocol


class _FastPath(StrictHttpProtocol):
    """Answers searches, and passes every other packet on to Sanic; its subclasses have the slots for its fields."""

    _head: Head | None
    _head_bytes: bytes
    _queries: FastQueries

    def data_received(self, data: bytes) -> None:
        if not (data.startswith(_START) and self._is_between_requests() and self._answer(data)):
            super().data_received(data)

    def _is_between_requests(self) -> bool:
        """Return whether Sanic is idle between two requests and the client takes the bytes sent to it."""
        return (
            self.http is not None
            and self.http.is_waiting
            and not self.recv_buffer
            and self._can_write.is_set()
            and self.transport is not None
            and not self.transport.is_closing()
            and not self.app.state.is_stopping
        )

    def _answer(self, data: bytes) -> bool:
        """Return whether the packet was a single complete request that has been answered."""
        started = time.perf_counter()
        line_end = data.find(b"\r\n")
        if len(data) > _MAX_HEAD or data.find(_END) != len(data) - 4 or not data.endswith(_VERSION, 0, line_end):
            return False
        head = self._head_of(data[line_end:-4])
        if head is None:
            return False
        query = data[len(_START) : line_end - len(_VERSION)].decode("latin-1")
        found = self._queries.try_answer(query, head.token, head.host, started)
        if found is None:
            return False
        self._send(found, head, started)
        return True

    def _head_of(self, lines: bytes) -> Head | None:
        """Read the headers, or reuse the last result: a client mostly sends the same headers with every request."""
        if getattr(self, "_head_bytes", None) != lines:
            peer = self.conn_info.client_ip if self.conn_info else ""
            self._head_bytes, self._head = lines, _read_head(lines, peer, self.app.ctx)
            self._queries = self.app.ctx.container.get(FastQueries)
        return self._head

    def _send(self, found: FastAnswer, head: Head, started: float) -> None:
        body, ahead_s, actor = found
        request_id = head.request_id or new_hex_id()
        queries = self._queries
        queries.counted.count(time.perf_counter() - started)
        body, lines = sent(body, head.encodings, queries.gzip_min_bytes)
        cast("Transport", self.transport).write(
            b"HTTP/1.1 200 OK\r\nX-Request-ID: %b\r\n%b%b%d;t=%d\r\n%bcontent-length: %d\r\nconnection: keep-alive\r\n"
            b"content-type: application/json\r\n\r\n%b"
            % (
                request_id.encode(),
                encode_lines(lines),
                queries.fixed_lines,
                *queries.quota.left(ahead_s),
                head.for_origin,
                len(body),
                body,
            )
        )
        self._time = time.monotonic()
        self.state["requests_count"] += 1
        if queries.logs_lines:
            log_response(request_id, _TARGET, 200, started, head.address, actor)


class FastPathProtocol(_FastPath):
    __slots__ = ("_head", "_head_bytes", "_queries")


class _FastPathSocketProtocol(_FastPath, SanicSocketProtocol):
    __slots__ = ("_head", "_head_bytes", "_queries")


def _read_head(lines: bytes, peer: str, context: Any) -> Head | None:  # noqa: ANN401 -- Sanic's, of any fields
    """Return None for headers that only Sanic reads. The first of repeated headers counts, as it does for Sanic.

    `peer` is the address at the other end of the connection, and `context` that of the application.
    """
    try:
        read_fields(lines)
    except ApiError:
        return None
    found: dict[str, str] = {}
    forwarded, proxies = [], cast("TrustedProxies", context.proxies)
    for line in lines.decode(errors="surrogateescape").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.lstrip()
        if not colon or (name in _UNSUPPORTED_HEADERS and (name, value.lower()) != ("connection", "keep-alive")):
            return None
        found.setdefault(name, value)
        if name == proxies.header:
            forwarded.append(value)
    if is_traced_by_client(found.get("traceparent", "")):  # the ordinary route records it
        return None
    address = proxies.client_of(peer, ",".join(forwarded)) if proxies.exist else peer
    request_id = found.get("x-request-id", "")
    return Head(
        bearer_token(found.get("authorization")),
        found.get("accept-encoding", ""),
        request_id if ACCEPTABLE.fullmatch(request_id) else None,
        address,
        host_of(address),
        encode_lines(origin_headers(context, found.get("origin"))),
    )
