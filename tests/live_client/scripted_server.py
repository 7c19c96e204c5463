"""A WebSocket server of a test, that writes each frame by command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.support.eventually import PATIENCE_S

EPOCH: Final = "e1"


class Peer:
    """A connection of a client."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket, self.done = socket, asyncio.Event()
        self._codec = msgspec.msgpack if socket.subprotocol == "grome.msgpack" else msgspec.json

    async def write(self, t: str, **frame: Any) -> None:
        encoded = self._codec.encode({"t": t, **frame})
        await self.socket.send(encoded, text=self.socket.subprotocol == "grome.json")

    async def expect(self, t: str) -> dict[str, Any]:
        """Return the next frame, which has to be of this type."""
        async with asyncio.timeout(PATIENCE_S):
            frame: dict[str, Any] = self._codec.decode(await self.socket.recv())  # type: ignore[arg-type]
        assert frame["t"] == t, frame
        return frame

    async def welcome(self, *, heartbeat_s: float = 60, expires_in: float = 900) -> str:
        """Answer `hello`, and return its token."""
        token: str = (await self.expect("hello"))["token"]
        told = {"user": "u1", "session": "s1", "rooms": ["user"]}
        await self.write("hello", **told, expires_in=expires_in, heartbeat_s=heartbeat_s)
        return token

    async def reply(self, request: dict[str, Any], **ok: Any) -> None:
        await self.write("reply", id=request["id"], ok=ok)

    async def refuse(self, request: dict[str, Any], code: str, *, temporary: bool = False) -> None:
        await self.write("reply", id=request["id"], error={"code": code, "message": "No.", "temporary": temporary})

    async def join(self, offset: str = "100-0", *events: str, recovered: bool = False) -> list[dict[str, Any]]:
        """Answer `sub` in the same way for all its rooms, and return them as asked for."""
        request = await self.expect("sub")
        rooms: list[dict[str, Any]] = request["rooms"]
        missed = [{"o": event, "d": {"id": event}} for event in events]
        joined = {"epoch": EPOCH, "offset": offset, "recovered": recovered, "events": missed}
        await self.reply(request, rooms=[{"room": room["room"], **joined} for room in rooms])
        return rooms

    async def event(self, room: str, offset: str) -> None:
        await self.write("event", r=room, o=offset, d={"id": offset})

    async def bye(self, code: int, retry_ms: int = 0) -> None:
        await self.write("bye", code=code, reason="a test", retry_ms=retry_ms)
        await self.socket.close(code)

    def cut(self) -> None:
        self.socket.transport.abort()


class ScriptedServer:
    def __init__(self) -> None:
        self.url = ""
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def accept(self) -> Peer:
        """Return the next connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._peers.get()

    @property
    def is_alone(self) -> bool:
        """Whether no client has connected since the last `accept`."""
        return self._peers.empty()

    async def handle(self, socket: ServerConnection) -> None:
        self._peers.put_nowait(Peer(socket))
        await socket.wait_closed()


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    subprotocols = [Subprotocol("grome.json"), Subprotocol("grome.msgpack")]
    async with serve(server.handle, "127.0.0.1", 0, subprotocols=subprotocols, ping_interval=None) as serving:
        server.url = f"ws://127.0.0.1:{serving.sockets[0].getsockname()[1]}/v1/live"
        yield server
