"""Raw requests and the verdicts of RFC 9112, on the server with the fast path and without.

After each request comes a second one on the same connection. It is answered as itself where the first one ends for
sure, and never where it does not: answers do not shift.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import httpx
import msgspec
import pytest
from loguru import logger

from grome.app import App
from grome.infrastructure.http.responses import Problem
from grome.nearby.fast_path import protocol_class
from tests.api.raw_requests import (
    BODY,
    LAST_PROBE,
    LENGTH,
    PROBE,
    ROWS,
    SIZE,
    SMUGGLED,
    SPLIT,
    Row,
    chunk,
    get,
    post,
)
from tests.builders.searches import NEARBY
from tests.support.eventually import PATIENCE_S


@dataclass
class Doors:
    """Ports of the application in this process."""

    with_fast_path: int
    without: int


@pytest.fixture(scope="module")
async def doors(app: App) -> AsyncIterator[Doors]:
    loop, container = asyncio.get_running_loop(), app.ctx.container
    nearby = container.settings.nearby
    kinds = [
        protocol_class(
            msgspec.structs.replace(container.settings, nearby=msgspec.structs.replace(nearby, fast_path=is_fast))
        )
        for is_fast in (True, False)
    ]
    servers = [await loop.create_server(partial(kind, loop=loop, app=app), "127.0.0.1", 0) for kind in kinds]
    ports = Doors(*(server.sockets[0].getsockname()[1] for server in servers))
    for _ in range(3):  # from then on the search is answered at once
        await exchange(ports.without, [LAST_PROBE])
    yield ports
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture(autouse=True)
def _nothing_for_the_operator(app: App) -> Iterator[None]:  # noqa: ARG001 -- it configures the log
    """A stranger's request is no error of the server."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level="WARNING")
    yield
    logger.remove(sink)
    assert lines == []


async def exchange(port: int, packets: list[bytes], pause_s: float = 0.01) -> bytes:
    """Everything that comes back until the server closes the connection."""
    loop, line = asyncio.get_running_loop(), socket.socket()
    line.setblocking(False)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with line:
        await loop.sock_connect(line, ("127.0.0.1", port))
        with suppress(ConnectionError):
            for packet in packets:
                await loop.sock_sendall(line, packet)
                await asyncio.sleep(pause_s if packet is not packets[-1] else 0)
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_S):
                while data := await loop.sock_recv(line, 65_536):
                    received += data
    return received


def answers_in(received: bytes, *, first_is_head: bool) -> list[httpx.Response]:
    found: list[httpx.Response] = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, head
        status_line, *lines = head.decode().split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .+", status_line)
        assert match, status_line
        headers = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
        length = 0 if first_is_head and not found else int(headers.get("content-length", 0))
        found.append(httpx.Response(int(match[1]), headers=headers, content=received[:length]))
        received = received[length:]
    return found


async def check(port: int, row: Row, packets: list[bytes], pause_s: float = 0.01) -> None:
    received = await exchange(port, packets, pause_s)
    first, *others = answers_in(received, first_is_head=row.request.startswith(b"HEAD"))
    assert first.status_code == row.status, received
    assert first.headers["connection"] == ("keep-alive" if row.kept else "close"), received
    if first.is_error and first.content:
        problem = msgspec.json.decode(first.content, type=Problem)
        assert (problem.status, first.headers["content-type"]) == (row.status, "application/problem+json")
    assert [answer.headers["x-request-id"] for answer in others] == (["probe"] if row.kept else []), received
    assert all(answer.status_code == 200 for answer in others)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_raw_request_is_handled_by_the_rfc_with_and_without_the_fast_path(doors: Doors, row: Row) -> None:
    for port in (doors.with_fast_path, doors.without):
        await check(port, row, [row.request + LAST_PROBE])
        if row.kept:
            await check(port, row, [row.request, LAST_PROBE])


@pytest.mark.parametrize("request_", SPLIT, ids=lambda request: repr(request[:60]))
async def test_split_request_is_handled_like_the_whole_request(doors: Doors, request_: bytes) -> None:
    row = next(row for row in ROWS if row.request == request_)
    for port in (doors.with_fast_path, doors.without):
        for boundaries in _batches(range(1, len(request_)), 40):
            await asyncio.gather(
                *(check(port, row, [request_[:at], request_[at:] + LAST_PROBE], pause_s=0.02) for at in boundaries)
            )


def _batches(numbers: range, size: int) -> Iterator[range]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


@pytest.mark.parametrize(
    "start", [b"POST /nowhere", f"POST {NEARBY}".encode(), b"GET /jobs/login", b"DELETE /health/live", b"GET /v1/me"]
)
async def test_body_after_an_early_response_is_not_read_as_a_request(doors: Doors, start: bytes) -> None:
    head = start + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    for port in (doors.with_fast_path, doors.without):
        received = await exchange(port, [head, SMUGGLED, PROBE % b"", LAST_PROBE], pause_s=0.05)
        _, *others = answers_in(received, first_is_head=False)
        assert [answer.headers["x-request-id"] for answer in others] == ["probe", "probe"], received


async def test_malformed_body_after_an_early_response_closes_the_connection(doors: Doors) -> None:
    head = get(b"Transfer-Encoding: chunked", start=b"POST /nowhere HTTP/1.1")
    for port in (doors.with_fast_path, doors.without):
        for packets in ([head + chunk(b"0x5") + LAST_PROBE], [head, chunk(b"0x5"), LAST_PROBE]):
            (answer,) = answers_in(await exchange(port, packets), first_is_head=False)
            assert answer.status_code == 404


def test_every_get_route_allows_head_and_reads_a_body(app: App) -> None:
    for route in app.router.routes:
        if "GET" in route.methods:
            assert "HEAD" in route.methods, route.path
            assert not route.extra.ignore_body, route.path


@pytest.mark.parametrize(("field", "body"), [(LENGTH, BODY), (b"Transfer-Encoding: chunked", chunk(SIZE))])
async def test_request_with_expect_100_continue_gets_100_before_the_response(
    doors: Doors, field: bytes, body: bytes
) -> None:
    for port in (doors.with_fast_path, doors.without):
        received = await exchange(port, [post(field, b"Expect: 100-continue"), body + LAST_PROBE], pause_s=0.2)
        interim, _, rest = received.partition(b"\r\n\r\n")
        assert interim == b"HTTP/1.1 100 Continue"
        assert [answer.status_code for answer in answers_in(rest, first_is_head=False)] == [401, 200]


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /health/live HTTP/1.1\r\n", b"Host: x\r\n", b"X-A: b\r\n", b"X-B: c\r\n"],
        [post(LENGTH), b"{", b" ", b" "],
        [post(b"Transfer-Encoding: chunked"), b"3f\r\n", b"{", b" "],
        [get(LENGTH, start=b"GET /health/live HTTP/1.1"), b"{"],
    ],
    ids=["head", "body", "chunks", "body that nobody asked for"],
)
async def test_incomplete_request_gets_408_after_the_timeout(
    app: App, doors: Doors, monkeypatch: pytest.MonkeyPatch, parts: list[bytes]
) -> None:
    monkeypatch.setitem(app.config, "REQUEST_TIMEOUT", 0.4)
    for port in (doors.with_fast_path, doors.without):
        (answer,) = answers_in(await exchange(port, parts, pause_s=0.02), first_is_head=False)
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/jobs/login", "/jobs/static/app.js", "/mailbox/"])
async def test_head_of_page_has_the_headers_of_get_and_no_body(http: httpx.AsyncClient, path: str) -> None:
    head, get_ = await http.head(path), await http.get(path)
    assert (head.status_code, head.content) == (get_.status_code, b"")
    assert _without_id(head.headers) == _without_id(get_.headers)


def _without_id(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "x-request-id"}
