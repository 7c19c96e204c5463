"""The fast path responds with the bytes of the ordinary route; raw sockets send each request to both."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from random import Random

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.app import App
from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.nearby.fast_path import FastPathProtocol, protocol_class
from tests.builders.people import register
from tests.builders.searches import NEARBY
from tests.builders.world import build_barbers, stored_barbers
from tests.support.eventually import PATIENCE_S

REGION = (-20.5, 80.5)
QUERY = "lat=-20.51&lng=80.49&radius_km=30"
GENERATED = re.compile(rb"(X-Request-ID: )[0-9a-f]{32}\r\n")
# With the quota of the tests it hardly ever differs between two requests; on a busy machine it does.
LIMIT = re.compile(rb"(RateLimit: \"\w+\";r=)[0-9]+;t=[0-9]+\r\n")


class CountingProtocol(FastPathProtocol):
    """Counts the requests that went past Sanic."""

    answered = 0

    def _answer(self, data: bytes) -> bool:
        answered = super()._answer(data)
        CountingProtocol.answered += answered
        return answered


@dataclass
class Ports:
    """Ports of the application in this process, with the fast path and without."""

    fast: int
    ordinary: int


@pytest.fixture(scope="module")
async def ports(app: App) -> AsyncIterator[Ports]:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(partial(protocol, loop=loop, app=app), "127.0.0.1", 0)
        for protocol in (CountingProtocol, StrictHttpProtocol)
    ]
    yield Ports(*(server.sockets[0].getsockname()[1] for server in servers))
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
async def world(app: App) -> AsyncIterator[None]:
    async with stored_barbers(app.ctx.container, build_barbers(REGION, 60, Random(7))):  # noqa: S311 -- reproducible, and no secret
        yield


async def send(port: int, packets: list[bytes], answers: int) -> list[bytes]:
    """Return the responses on one connection, heads with bodies, without generated request ids and left quotas."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for packet in packets:
        writer.write(packet)
        await writer.drain()
        if len(packets) > 1:
            await asyncio.sleep(0.005)  # else the kernel would put them together again
    found = [await _answer(reader) for _ in range(answers)]
    writer.close()
    await writer.wait_closed()
    return found


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
    length = re.search(rb"content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length and b"HTTP/1.1 304" not in head else b""
    return LIMIT.sub(rb"\1left\r\n", GENERATED.sub(rb"\1made here\r\n", head)) + body


def request(target: str = f"{NEARBY}?{QUERY}", *headers: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{method} {target} {version}", "Host: grome.test", *headers, "", ""]).encode("latin-1")


async def send_to_both(ports: Ports, packets: list[bytes], answers: int = 1) -> list[bytes]:
    """Send packets to both ports, assert that the responses are the same bytes, and return them."""
    ordinary = await send(ports.ordinary, packets, answers)
    fast = await send(ports.fast, packets, answers)
    assert fast == ordinary
    return fast


async def is_fast(ports: Ports, packet: bytes) -> bool:
    """Return whether a request goes past Sanic, after its place has been cached."""
    before = CountingProtocol.answered
    await send(ports.fast, [packet], 1)
    return CountingProtocol.answered > before


@pytest.mark.parametrize("has_fast_path", [True, False])
@pytest.mark.parametrize("has_light_sockets", [True, False])
async def test_search_gets_the_same_bytes_from_each_protocol_of_the_settings(
    app: App, ports: Ports, *, has_fast_path: bool, has_light_sockets: bool
) -> None:
    base = app.ctx.container.settings
    chosen = msgspec.structs.replace(
        base,
        nearby=msgspec.structs.replace(base.nearby, fast_path=has_fast_path),
        live=msgspec.structs.replace(base.live, light_sockets=has_light_sockets),
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(protocol_class(chosen), loop=loop, app=app), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await send(port, [request(), request()], 2) == await send(ports.ordinary, [request(), request()], 2)


FAST = [
    f"{NEARBY}?{QUERY}",
    f"{NEARBY}?{QUERY}&limit=3",
    f"{NEARBY}?limit=100&radius_km=50&lng=80.5&lat=-20.5",
    f"{NEARBY}?{QUERY}&rating_min=3.5&online=true",
    f"{NEARBY}?{QUERY}&online=false&price_max=2",
    f"{NEARBY}?{QUERY}&service_id=00000000-0000-0000-0000-000000000002",
    f"{NEARBY}?{QUERY}&sort=distance",
    f"{NEARBY}?lat=10&lng=-140&limit=5",
]
FOR_SANIC = [
    f"{NEARBY}?{QUERY}&sort=rating",
    f"{NEARBY}?{QUERY}&house_calls=true",
    f"{NEARBY}?{QUERY}&cursor=x",
    f"{NEARBY}?{QUERY}&limit=0",
    f"{NEARBY}?{QUERY}&limit=3&limit=3",
    f"{NEARBY}?{QUERY}&lat=1",
    f"{NEARBY}?{QUERY}&limit=",
    f"{NEARBY}?{QUERY}&",
    f"{NEARBY}?{QUERY}&online=null",
    f"{NEARBY}?{QUERY}&colour=red",
    f"{NEARBY}?lat=%2D20.51&lng=80.49",
    f"{NEARBY}?lat=-2e1&lng=80.49",
    f"{NEARBY}?lat=91&lng=80.49",
    f"{NEARBY}?lat=nan&lng=80.49",
    f"{NEARBY}?lat=1_0&lng=80.49",
    f"{NEARBY}?lat=-20.51",
    f"{NEARBY}?",
    NEARBY,
    f"{NEARBY}/?{QUERY}",
]


@pytest.mark.parametrize("target", FAST)
async def test_fast_path_answers_a_search_by_distance(ports: Ports, world: None, target: str) -> None:  # noqa: ARG001
    (answer,) = await send_to_both(ports, [request(target)])
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nX-Request-ID: made here\r\nCache-Control: no-store\r\n")
    assert await is_fast(ports, request(target))


@pytest.mark.parametrize("target", FOR_SANIC)
async def test_fast_path_passes_other_targets_on(ports: Ports, world: None, target: str) -> None:  # noqa: ARG001
    answers = [await send(port, [request(target, "X-Request-ID: a")], 1) for port in (ports.ordinary, ports.fast)]
    assert answers[0] == answers[1]
    assert not await is_fast(ports, request(target))


@pytest.mark.parametrize(
    ("header", "fast"),
    [
        ("Accept-Encoding: gzip, br", True),
        ("Accept-Encoding: gzip;q=0", True),
        ("accept-ENCODING:*", True),
        ("X-Request-ID: my-own.id_1", True),
        ("X-Request-ID: not acceptable!", True),
        ("X-Request-ID: first\r\nX-Request-ID: second", True),
        ("Connection: keep-alive", True),
        ("User-Agent: caf\xe9", True),
        ("Cookie: a=b", True),
        ("Connection: close", False),
        ("Upgrade: h2c", False),
        ("Content-Length: 0", False),
        ("Expect: 100-continue", False),
        ("Authorization: Basic YTpi", False),
        ("Authorization: Bearer", False),
        ("Authorization: Bearer made.up.token", False),
        ("no colon", False),
        ("X-Long: " + "a" * 9_000, False),
        ("X-Too-Long: " + "a" * 17_000, False),
    ],
)
async def test_fast_path_with_header_is_like_the_route(ports: Ports, world: None, header: str, fast: bool) -> None:  # noqa: ARG001, FBT001
    await send_to_both(ports, [request(FAST[0])])  # caches a tile for the place
    packet = request(FAST[0], header)
    by_route, by_fast_path = [await send(port, [packet], 1) for port in (ports.ordinary, ports.fast)]
    ignored = re.compile(rb'"request_id":"[0-9a-f]{32}"')
    assert [ignored.sub(b"", one) for one in by_fast_path] == [ignored.sub(b"", one) for one in by_route]
    assert await is_fast(ports, packet) == fast


async def test_fast_path_passes_other_methods_and_versions_on(ports: Ports, world: None) -> None:  # noqa: ARG001
    for packet in (
        request(FAST[0], "X-Request-ID: a", version="HTTP/1.0"),
        request(FAST[0], "X-Request-ID: a", "Content-Length: 0", method="POST"),
        request(FAST[0].replace("GET", "get"), "X-Request-ID: a", method="get"),
    ):
        await send_to_both(ports, [packet])
        assert not await is_fast(ports, packet)


async def test_fast_path_takes_a_token_until_logout(ports: Ports, world: None, http: httpx.AsyncClient) -> None:  # noqa: ARG001
    """The ordinary route verifies the token, the fast path uses the cached result, and a logout drops it at once."""
    person = await register(http)
    packet = request(FAST[0], f"Authorization: {person.auth['Authorization']}")
    await send_to_both(ports, [packet])
    assert await is_fast(ports, packet)
    await http.post("/v1/auth/logout", headers=person.auth)
    refused = [await send(port, [packet], 1) for port in (ports.ordinary, ports.fast)]
    assert all(answer.startswith(b"HTTP/1.1 401") for (answer,) in refused)


async def test_fast_path_with_pipelined_requests_keeps_their_order(ports: Ports, world: None) -> None:  # noqa: ARG001
    mixed = [request(FAST[0]), request("/health/live"), request(FAST[1]), request(FOR_SANIC[3], "X-Request-ID: a")]
    answers = await send_to_both(ports, [b"".join(mixed)], 4)  # pipelined in one packet
    assert await send_to_both(ports, mixed, 4) == answers  # one by one
    post = b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-Request-ID: a\r\n"
    body = request(FAST[0])  # a body that looks like a request
    smuggled = post + b"Content-Length: %d\r\n\r\n" % len(body)
    answers = await send_to_both(ports, [smuggled, body, request(FAST[0])], 2)
    assert [answer[9:12] for answer in answers] == [b"400", b"200"]


@settings(max_examples=40)
@given(data=st.data())
async def test_fast_path_with_split_packets_is_like_the_route(ports: Ports, world: None, data: st.DataObject) -> None:  # noqa: ARG001
    targets = data.draw(st.lists(st.sampled_from([*FAST, "/health/live"]), min_size=1, max_size=4))
    stream = b"".join(request(target, "X-Request-ID: a") for target in targets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    packets = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) if start < end]
    await send_to_both(ports, packets, len(targets))
