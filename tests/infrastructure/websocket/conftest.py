"""An echo route of a small application: over light sockets and over Sanic's own, on both event loops."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pytest
import uvloop
from sanic import Request, Sanic
from sanic.response import BaseHTTPResponse, text

from grome.app import answer_error
from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.infrastructure.websocket.framing import binary_frame, text_frame
from grome.infrastructure.websocket.models import Socket
from grome.infrastructure.websocket.sanic_protocol import SanicSocketProtocol
from grome.infrastructure.websocket.upgrade import upgrade

MAX_MESSAGE_BYTES = 16_384


class Echo:
    """Sends each message back, and keeps note of all that it hears."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.messages: list[str | bytes] = []
        self.pongs = 0
        self.codes: list[int] = []

    def message_received(self, message: str | bytes) -> None:
        self.messages.append(message)
        if message == "fail":
            raise RuntimeError("as the client asked")
        self.socket.write(text_frame(message.encode()) if isinstance(message, str) else binary_frame(message))

    def pong_received(self) -> None:
        self.pongs += 1

    def closed(self, code: int) -> None:
        self.codes.append(code)


@dataclass
class EchoServer:
    """`listeners` are those of all connections, the newest last."""

    port: int
    connections: set[Any]
    listeners: list[Echo] = field(default_factory=list)

    @property
    def newest(self) -> Echo:
        return self.listeners[-1]


@asynccontextmanager
async def echo_server(protocol: type[StrictHttpProtocol]) -> AsyncIterator[EchoServer]:
    app: Sanic[Any, Any] = Sanic(protocol.__name__, configure_logging=False)
    app.config.AUTO_EXTEND = False
    Sanic.unregister_app(app)
    app.config.update(
        TOUCHUP=False, MOTD=False, ACCESS_LOG=False, ACCESS_LOG_LINES=False, GZIP_MIN_BYTES=1_000, API_BASE=""
    )
    app.config.WEBSOCKET_MAX_SIZE = MAX_MESSAGE_BYTES
    app.exception(Exception)(answer_error)

    @app.get("/plain")
    async def plain(_request: Request) -> BaseHTTPResponse:
        return text("plain")

    @app.route("/echo", methods=["GET", "HEAD"])
    async def echo(request: Request) -> BaseHTTPResponse:
        def listener(opened: Socket) -> Echo:
            served.listeners.append(Echo(opened))
            return served.newest

        return upgrade(request, listener, ["second.choice", "first.choice"])

    line = socket.socket()
    line.bind(("127.0.0.1", 0))
    server = await app.create_server(sock=line, return_asyncio_server=True, protocol=protocol)
    assert server is not None
    await server.startup()
    await server.start_serving()
    served = EchoServer(line.getsockname()[1], server.connections)
    yield served
    for connection in list(served.connections):
        connection.abort()
    server.close()
    await server.wait_closed()


class Arena:
    """An event loop in its own thread, with an echo server on each of our two protocols."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.light: EchoServer
        self.sanic: EchoServer
        self._opened = AsyncExitStack()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def of(self, kind: str) -> EchoServer:
        return self.light if kind == "light" else self.sanic

    async def open(self) -> None:
        self.light = await self._opened.enter_async_context(echo_server(StrictHttpProtocol))
        self.sanic = await self._opened.enter_async_context(echo_server(SanicSocketProtocol))

    async def close(self) -> None:
        await self._opened.aclose()


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """Servers on an event loop of their own, in a thread."""
    arena = Arena(uvloop.new_event_loop())
    thread = threading.Thread(target=arena.loop.run_forever, daemon=True)
    thread.start()
    arena.run(arena.open())
    yield arena
    arena.run(arena.close())
    arena.loop.call_soon_threadsafe(arena.loop.stop)
    thread.join()
    arena.loop.close()


def in_arena(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that takes `arena` on the event loop of the arena, beside its servers."""

    @wraps(test)
    def run(arena: Arena, **given: Any) -> None:
        arena.run(test(arena=arena, **given))

    return run
