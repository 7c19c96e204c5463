"""The handshake: the response to it, refusals, the bytes around it, and the connection that it takes from Sanic."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest
import uvloop
from sanic import Request
from sanic.server.protocols.http_protocol import HttpProtocol

from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.infrastructure.websocket.sanic_protocol import SanicSocketProtocol
from tests.infrastructure.websocket.conftest import Arena, echo_server, in_arena
from tests.infrastructure.websocket.raw_client import (
    CLOSE,
    TEXT,
    Received,
    close_frame,
    connected,
    frame,
    handshake,
    opened,
)
from tests.support.eventually import until

KINDS = pytest.mark.parametrize("kind", ["light", "sanic"])
PLAIN = b"GET /plain HTTP/1.1\r\nHost: grome.test\r\n\r\n"


def without(name: str) -> bytes:
    lines = handshake().split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(name.encode() + b":"))


@KINDS
@in_arena
async def test_handshake_that_is_valid_gets_the_accept_key_of_the_rfc(arena: Arena, kind: str) -> None:
    async with opened(arena.of(kind).port) as client:
        await client.send(handshake("/echo", "Sec-WebSocket-Protocol: first.choice, unknown", "X-Request-ID: mine"))
        head = (await client.read_head()).decode()
    first, *lines = head.rstrip().split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert first == "HTTP/1.1 101 Switching Protocols"
    assert fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of RFC 6455, section 1.3
    assert fields["sec-websocket-protocol"] == "first.choice"
    assert "sec-websocket-extensions" not in fields
    assert arena.of(kind).newest.socket.subprotocol == "first.choice"


@KINDS
@in_arena
async def test_handshake_without_a_subprotocol_gets_none(arena: Arena, kind: str) -> None:
    async with opened(arena.of(kind).port) as client:
        await client.send(handshake("/echo", "Sec-WebSocket-Extensions: permessage-deflate"))
        assert b"sec-websocket-protocol" not in (await client.read_head()).lower()
        assert arena.of(kind).newest.socket.subprotocol is None


REFUSED = {
    "no key": (without("sec-websocket-key"), 400),
    "a short key": (without("sec-websocket-key")[:-2] + b"Sec-WebSocket-Key: dGhlIA==\r\n\r\n", 400),
    "two keys": (handshake("/echo", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
    "no version": (without("sec-websocket-version"), 400),
    "version 8": (without("sec-websocket-version")[:-2] + b"Sec-WebSocket-Version: 8\r\n\r\n", 400),
    "no upgrade": (without("upgrade"), 426),
    "another upgrade": (without("upgrade")[:-2] + b"Upgrade: h2c\r\n\r\n", 426),
    "no connection": (without("connection"), 426),
    "no handshake at all": (b"GET /echo HTTP/1.1\r\nHost: grome.test\r\n\r\n", 426),
    "an unknown subprotocol": (handshake("/echo", "Sec-WebSocket-Protocol: unknown"), 400),
    "HEAD": (handshake().replace(b"GET", b"HEAD", 1), 405),
    "HTTP/1.0": (handshake().replace(b"HTTP/1.1", b"HTTP/1.0", 1), 505),
}


@KINDS
@pytest.mark.parametrize("name", REFUSED)
@in_arena
async def test_request_that_is_no_handshake_is_refused(arena: Arena, kind: str, name: str) -> None:
    request, status = REFUSED[name]
    heard = len(arena.of(kind).listeners)
    async with opened(arena.of(kind).port) as client:
        await client.send(request)
        assert (await client.read_head()).startswith(b"HTTP/1.1 %d " % status)
    assert len(arena.of(kind).listeners) == heard


@KINDS
@in_arena
async def test_handshake_between_other_bytes_loses_none_of_them(arena: Arena, kind: str) -> None:
    """A request before it on the same connection, and frames in the same packet after it."""
    async with opened(arena.of(kind).port) as client:
        await client.send(PLAIN + handshake() + frame(TEXT, b"early"))
        assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")
        assert (await client.read_body(5)) == b"plain"
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        assert await client.receive() == Received(TEXT, b"early")


@in_arena
async def test_handshake_with_more_bytes_than_sanic_buffers_loses_none_of_them(arena: Arena) -> None:
    """Sanic stops reading from a client that has sent so much ahead."""
    texts = [b"%d" % number * 1_000 for number in range(100)]
    async with connected(arena.light.port, handshake() + b"".join(frame(TEXT, text) for text in texts)) as client:
        assert [await client.receive() for _ in texts] == [Received(TEXT, text) for text in texts]


@KINDS
@in_arena
async def test_request_that_only_asks_for_an_upgrade_stays_an_ordinary_request(arena: Arena, kind: str) -> None:
    """Its route does not know WebSockets; RFC 9110, section 7.8, lets a server ignore the header."""
    async with opened(arena.of(kind).port) as client:
        await client.send(handshake("/plain").replace(b"Connection: Upgrade", b"Connection: keep-alive"))
        assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")
        assert (await client.read_body(5)) == b"plain"
        await client.send(PLAIN)
        assert (await client.read_head()).startswith(b"HTTP/1.1 200 ")


@in_arena
async def test_light_socket_when_open_keeps_nothing_of_sanic_in_memory(arena: Arena) -> None:
    async with connected(arena.light.port), connected(arena.light.port) as client:
        await client.send(frame(TEXT, b"hello"))
        assert await client.receive() == Received(TEXT, b"hello")
        assert len(arena.light.connections) == 2
        ports = {client.line.getsockname()[1]}
        left = [thing for thing in gc.get_objects() if issubclass(type(thing), Request | HttpProtocol)]
        assert [thing for thing in left if thing.conn_info and thing.conn_info.client_port in ports] == []
    await until(lambda: not arena.light.connections)


@pytest.mark.parametrize("protocol", [StrictHttpProtocol, SanicSocketProtocol])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_server_that_stops_asks_open_connections_to_close(
    protocol: type[StrictHttpProtocol], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with ThreadPoolExecutor(1) as thread:
        heard = thread.submit(_stop, new_loop(), protocol).result()
    assert heard == [1001]


def _stop(loop: asyncio.AbstractEventLoop, protocol: type[StrictHttpProtocol]) -> list[int]:
    """Stop as Sanic does, which calls `close_if_idle` while its event loop stands still; return the codes heard."""
    opened = AsyncExitStack()
    server = loop.run_until_complete(opened.enter_async_context(echo_server(protocol)))
    client = loop.run_until_complete(opened.enter_async_context(connected(server.port)))
    for connection in list(server.connections):
        assert not connection.close_if_idle()

    async def finish() -> None:
        answer = await client.receive()
        assert answer
        assert (answer.opcode, answer.code) == (CLOSE, 1001)
        await client.send(close_frame(1001))
        assert await client.receive() is None
        await until(lambda: not server.connections)
        await opened.aclose()

    loop.run_until_complete(finish())
    loop.close()
    return list(server.newest.codes)
