"""A plain live client for tests that look at single frames; `grome/live_client` is the one that people use."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

from sanic import Sanic
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.builders.people import Person
from tests.support.eventually import PATIENCE_S

Frame = dict[str, Any]


class LiveSocket:
    """Sends frames, and keeps arriving frames until a test asks for them."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)
        self.frames: list[Frame] = []

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def send_raw(self, message: str | bytes) -> None:
        await self.connection.send(message)

    async def receive(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Return the first frame that is wanted, and drop it; frames before it stay. Raises ConnectionClosed."""
        for frame in self.frames:
            if wanted(frame):
                self.frames.remove(frame)
                return frame
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = json.loads(await self.connection.recv())
                if wanted(frame):
                    return frame
                self.frames.append(frame)

    async def receive_kind(self, kind: str) -> Frame:
        return await self.receive(lambda frame: frame["t"] == kind)

    async def event(self, kind: str, room: str = "") -> Frame:
        """Return the next event of a type, of a room if one is named."""
        return await self.receive(
            lambda frame: frame["t"] == "event" and frame["d"]["type"] == kind and room in {"", frame["r"]}
        )

    async def request(self, kind: str, **fields: Any) -> Frame:
        """Send a request and return its reply."""
        request_id = next(self._ids)
        await self.send(t=kind, id=request_id, **fields)
        return await self.receive(lambda frame: frame["t"] == "reply" and frame["id"] == request_id)

    async def subscribe(self, *rooms: str | Frame) -> list[Frame]:
        """Subscribe, by names or with positions, and return the rooms of the reply."""
        wanted = [{"room": room} if isinstance(room, str) else room for room in rooms]
        joined: list[Frame] = (await self.request("sub", rooms=wanted))["ok"]["rooms"]
        return joined

    async def close_code(self) -> int:
        """Return the code of the server's close frame."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self.frames.append(json.loads(await self.connection.recv()))
        except ConnectionClosed:
            return self.connection.close_code or 0

    async def bye(self) -> Frame:
        """Return the server's last frame, which has the code of the close frame too."""
        code = await self.close_code()
        last = self.frames[-1]
        assert (last["t"], last["code"]) == ("bye", code), self.frames
        return last


@asynccontextmanager
async def open_socket(app: Sanic[Any, Any], **options: Any) -> AsyncIterator[LiveSocket]:
    """Connect without signing in; `options` are those of `websockets.connect`."""
    url = app.ctx.base_url.replace("http", "ws", 1)
    async with connect(f"{url}/v1/live", compression=None, **options) as connection:
        yield LiveSocket(connection)


@asynccontextmanager
async def live_socket(app: Sanic[Any, Any], person: Person, *rooms: str) -> AsyncIterator[LiveSocket]:
    """Connect, sign in and subscribe to rooms."""
    async with open_socket(app) as socket:
        await socket.send(t="hello", token=person.access_token)
        await socket.receive_kind("hello")
        if rooms:
            await socket.subscribe(*rooms)
        yield socket


class AsyncSockets:
    """Several open sockets that close together."""

    def __init__(self, app: Sanic[Any, Any]) -> None:
        self._app, self._stack = app, AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def hello(self, token: str) -> Frame:
        """Open another socket, sign it in, and return the answer: a welcome or a `bye`."""
        socket = await self._stack.enter_async_context(open_socket(self._app))
        await socket.send(t="hello", token=token)
        return await socket.receive(lambda frame: frame["t"] in {"hello", "bye"})
