"""Servers of one kind of socket, for the section `sockets`: bare TCP, Sanic's own WebSockets, or light ones.

`python -m benchmarks.floors.sockets` takes FLOOR_PORT and FLOOR_SOCKETS (`tcp`, `sanic` or `light`) from the
environment. `/sockets` opens a socket, `/send` sends to all of them and returns the time that it took.
"""

import asyncio
import gc
import os
import time
from typing import Any, Final, cast

import uvloop
from sanic import HTTPResponse, Request, Sanic
from sanic.response import BaseHTTPResponse, empty, json
from sanic.server.protocols.websocket_protocol import WebSocketProtocol
from sanic.server.websockets.impl import WebsocketImplProtocol

from grome.infrastructure.http.strict_http import StrictHttpProtocol
from grome.infrastructure.websocket.framing import text_frame
from grome.infrastructure.websocket.models import Socket
from grome.infrastructure.websocket.upgrade import upgrade

PATH: Final = "/sockets"
# A slice of sends, after which other work has its turn.
_SLICE: Final = 500
_MAX_BUFFERED: Final = 262_144

App = Sanic[Any, Any]


class Listener:
    """Hears nothing: the clients of the benchmark only read."""

    __slots__ = ("socket",)

    def __init__(self, socket: Socket) -> None:
        self.socket = socket

    def message_received(self, message: str | bytes) -> None: ...

    def pong_received(self) -> None: ...

    def closed(self, code: int) -> None: ...


def add_light(app: App) -> None:
    sockets: list[Socket] = []

    def listener(socket: Socket) -> Listener:
        sockets.append(socket)
        return Listener(socket)

    @app.get(PATH)
    async def open_socket(request: Request) -> BaseHTTPResponse:
        return upgrade(request, listener)

    @app.get("/send")
    async def send(request: Request) -> HTTPResponse:
        rounds, joined, payload = _wanted(request)
        frames = text_frame(payload) * joined
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(rounds):
            for at, socket in enumerate(sockets):
                while socket.buffered() > _MAX_BUFFERED:  # noqa: ASYNC110 -- a socket has no such event
                    await asyncio.sleep(0.001)
                socket.write(frames)
                if at % _SLICE == 0:
                    await asyncio.sleep(0)
        return _measured(begun, cpu)


def add_sanic(app: App) -> None:
    sockets: list[WebsocketImplProtocol] = []

    @app.websocket(PATH)
    async def open_socket(_request: Request, websocket: WebsocketImplProtocol) -> None:
        sockets.append(websocket)
        await websocket.recv()

    @app.get("/send")
    async def send(request: Request) -> HTTPResponse:
        rounds, _, payload = _wanted(request)
        text = payload.decode()
        begun, cpu = time.perf_counter(), time.process_time()
        for _ in range(rounds):
            for at, websocket in enumerate(sockets):
                await websocket.send(text)
                if at % _SLICE == 0:
                    await asyncio.sleep(0)
        return _measured(begun, cpu)


def _wanted(request: Request) -> tuple[int, int, bytes]:
    rounds, joined, size = (int(request.args.get(name)) for name in ("rounds", "joined", "bytes"))
    return rounds, joined, b"x" * size


def _measured(begun: float, cpu: float) -> HTTPResponse:
    return json({"seconds": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu})


class BareTcp(asyncio.Protocol):
    """Keeps its transport and answers the question for readiness, which is the only data."""

    __slots__ = ("_transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /health"):
            transport = cast("asyncio.Transport", self._transport)
            transport.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            transport.close()


async def serve_tcp(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(BareTcp, "127.0.0.1", port)
    await server.serve_forever()


def serve_sanic(port: int, *, is_light: bool) -> None:
    app: App = Sanic("floor", configure_logging=False)
    app.config.AUTO_EXTEND = False
    app.config.WEBSOCKET_PING_INTERVAL = None
    (add_light if is_light else add_sanic)(app)

    @app.get("/health/ready")
    async def ready(_request: Request) -> HTTPResponse:
        gc.collect()
        return empty()

    protocol = StrictHttpProtocol if is_light else WebSocketProtocol
    app.run("127.0.0.1", port, protocol=protocol, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    kind, port = os.environ["FLOOR_SOCKETS"], int(os.environ["FLOOR_PORT"])
    if kind == "tcp":
        uvloop.run(serve_tcp(port))
    else:
        serve_sanic(port, is_light=kind == "light")
