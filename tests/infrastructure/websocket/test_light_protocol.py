"""The life of a light socket: messages to its listener, closing from either side, and clients that misbehave."""

import gc
import weakref

import pytest
from loguru import logger

from grome.infrastructure.websocket import light_protocol
from grome.infrastructure.websocket.framing import binary_frame, text_frame
from tests.infrastructure.websocket.conftest import Arena, in_arena
from tests.infrastructure.websocket.raw_client import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Received,
    close_frame,
    connected,
    frame,
)
from tests.support.eventually import until

KINDS = pytest.mark.parametrize("kind", ["light", "sanic"])


@KINDS
@in_arena
async def test_frames_of_every_length_form_arrive_joined_or_alone(arena: Arena, kind: str) -> None:
    sizes = (0, 125, 126, 65_535, 65_536)
    async with connected(arena.of(kind).port) as client:
        socket = arena.of(kind).newest.socket
        socket.write(b"".join(text_frame(b"x" * size) for size in sizes))
        for size in sizes:
            socket.write(binary_frame(b"y" * size))
        assert [await client.receive() for _ in sizes] == [Received(TEXT, b"x" * size) for size in sizes]
        assert [await client.receive() for _ in sizes] == [Received(BINARY, b"y" * size) for size in sizes]


@KINDS
@in_arena
async def test_ping_of_the_server_is_answered_to_the_listener(arena: Arena, kind: str) -> None:
    async with connected(arena.of(kind).port) as client:
        listener = arena.of(kind).newest
        listener.socket.ping()
        ping = await client.receive()
        assert ping
        assert ping.opcode == PING
        await client.send(frame(PONG, ping.payload))
        await until(lambda: listener.pongs == 1)


@KINDS
@in_arena
async def test_close_of_the_server_delivers_no_later_message_and_drops_writes(arena: Arena, kind: str) -> None:
    async with connected(arena.of(kind).port) as client:
        listener = arena.of(kind).newest
        listener.socket.close(4100, "drain")
        listener.socket.close(4101)
        listener.socket.write(text_frame(b"late"))
        listener.socket.ping()
        await client.send(frame(TEXT, b"late") + close_frame(4100))
        assert await client.receive_all() == [Received(CLOSE, (4100).to_bytes(2, "big") + b"drain")]
    await until(lambda: bool(listener.codes))
    listener.socket.close(1000)
    listener.socket.write(text_frame(b"too late"))
    assert (listener.messages, listener.codes, listener.socket.buffered()) == ([], [4100], 0)


@KINDS
@in_arena
async def test_listener_that_fails_closes_its_connection_alone(arena: Arena, kind: str) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="ERROR")
    async with connected(arena.of(kind).port) as client, connected(arena.of(kind).port) as other:
        await client.send(frame(TEXT, b"fail"))
        answer = await client.receive()
        assert answer
        assert (answer.opcode, answer.code) == (CLOSE, 1011)
        await client.send(close_frame(1011))
        assert await client.receive() is None
        await other.send(frame(TEXT, b"hello"))
        assert await other.receive() == Received(TEXT, b"hello")
    logger.remove(sink)
    assert len(lines) == 1
    assert "as the client asked" in lines[0]


@KINDS
@in_arena
async def test_client_that_resets_the_connection_is_noticed(arena: Arena, kind: str) -> None:
    async with connected(arena.of(kind).port) as client:
        listener = arena.of(kind).newest
        client.reset()
    await until(lambda: not arena.of(kind).connections)
    assert listener.codes == [1006]


@KINDS
@in_arena
async def test_abort_of_the_server_is_heard_once(arena: Arena, kind: str) -> None:
    async with connected(arena.of(kind).port) as client:
        listener = arena.of(kind).newest
        listener.socket.abort()
        listener.socket.abort()
        assert await client.receive_all() == []
    await until(lambda: bool(listener.codes))
    assert listener.codes == [1006]


@in_arena
async def test_client_that_does_not_answer_a_close_frame_is_cut(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_protocol, "CLOSE_SECONDS", 0.05)
    async with connected(arena.light.port) as client:
        listener = arena.light.newest
        listener.socket.close(4101)
        assert [received.code for received in await client.receive_all()] == [4101]
        assert listener.codes == [4101]


@in_arena
async def test_client_that_reads_nothing_is_not_read_from(arena: Arena) -> None:
    """Its pings would else be answered into memory without a bound."""
    async with connected(arena.light.port, receive_buffer=4_096) as client:
        listener = arena.light.newest
        for _ in range(100):
            listener.socket.write(binary_frame(b"x" * 16_384))
        waiting = listener.socket.buffered()
        assert waiting > 1_000_000
        await client.send(frame(PING, b"x" * 125) * 1_000)
        await client.send(frame(TEXT, b"after"))
        assert listener.socket.buffered() <= waiting
        assert listener.messages == []
        answers = [await client.receive() for _ in range(1_101)]
        assert answers[100:] == [*[Received(PONG, b"x" * 125)] * 1_000, Received(TEXT, b"after")]


@in_arena
async def test_listener_that_closes_amid_a_large_packet_gets_no_more_of_it(arena: Arena) -> None:
    async with connected(arena.light.port) as client:
        listener = arena.light.newest
        await client.send(frame(TEXT, b"one") + frame(TEXT, b"fail") + frame(TEXT, b"two") * 5_000)
        await client.send(close_frame(1011))
        assert [received.code for received in await client.receive_all()][-1:] == [1011]
    assert listener.messages == ["one", "fail"]


@in_arena
async def test_closed_connection_is_freed_without_garbage_collection(arena: Arena) -> None:
    gc.disable()
    try:
        async with connected(arena.light.port) as client:
            listener = weakref.ref(arena.light.listeners.pop())
            await client.send(close_frame())
            assert await client.receive_all()
        await until(lambda: listener() is None)
    finally:
        gc.enable()
