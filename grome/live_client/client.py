"""A client of Grome's live connections that keeps its rooms complete across lost connections.

    async with LiveClient("wss://api.example.com/v1/live", fresh_access_token) as client:
        client.subscribe("user", f"booking:{booking_id}")
        async for item in client:
            match item:
                case Reload(room):      # load the state of the room by REST, then apply the events that follow
                case Event(room, offset, data):  # skip an event with a `version` that the loaded state has already
                case Recovered(room):   # the room is complete again after a lost connection; nothing to load

It needs `websockets` and `msgspec`, and nothing else of Grome. grome_live.js is the same client in JavaScript.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from grome.live_client.items import (
    Connected,
    Disconnected,
    Event,
    Left,
    LiveClosed,
    LiveItem,
    Recovered,
    Reload,
    RequestRefused,
    Signal,
    SignedOut,
)

_T = TypeVar("_T")

ABNORMAL: Final = 1006
_FINAL_CODES: Final = (range(4000, 4100), range(4200, 4300))  # the server forbids to reconnect
_SILENT_HEARTBEATS: Final = 2.2
_ROOMS_A_FRAME: Final = 50
_MAX_FRAME_BYTES: Final = 16 * 2**20
_MAX_ITEMS: Final = 10_000
_MAX_REQUESTS: Final = 32
_MAX_UNSENT: Final = 100
_CLOSE_S: Final = 1
_TYPING_EVERY_S: Final = 2
_REFRESH_MARGIN: Final = 0.2  # of the life of a token
_MAX_REFRESH_MARGIN_S: Final = 60
_MIN_REFRESH_S: Final = 0.1


@dataclass(frozen=True)
class Timing:
    """Delays in seconds.

    The n-th reconnect waits as long as the server asked for, and then a random time up to `backoff_s` * 2**n, at most
    `max_backoff_s`.
    Requests that are repeated after a reconnect have `resend_s` for their reply, the others `reply_s`.
    """

    backoff_s: float = 1.0
    max_backoff_s: float = 30.0
    connect_s: float = 10.0
    reply_s: float = 15.0
    resend_s: float = 60.0


@dataclass
class _Room:
    epoch: str | None = None
    offset: str | None = None
    joined: bool = False  # on the present connection

    def advance(self, offset: str) -> bool:
        """Move the position up to the offset. Return False if the position is there already."""
        if self.offset is not None and offset_key(offset) <= offset_key(self.offset):
            return False
        self.offset = offset
        return True


@dataclass
class _Request:
    frame: dict[str, Any]
    resend: bool
    reply: asyncio.Future[dict[str, Any]]
    refusals: int = 0  # temporary


def offset_key(offset: str) -> tuple[int, int]:
    """Return the two numbers of `<ms>-<n>`, because offsets do not sort as text."""
    milliseconds, _, number = offset.partition("-")
    return int(milliseconds), int(number)


class LiveClient:
    """An async context manager that connects, and an async iterator of `LiveItem` for one reader.

    `tokens` returns a fresh access token. It is called before each connection and before a token expires. It may raise
    SignedOut to end the client; after any other exception it is called again later. A slow reader slows down the
    connection; if the server cuts it for that, the client resumes.
    """

    def __init__(
        self,
        url: str,
        tokens: Callable[[], Awaitable[str]],
        *,
        msgpack: bool = False,
        timing: Timing | None = None,
    ) -> None:
        self._url, self._tokens, self._timing = url, tokens, timing or Timing()
        self._msgpack = msgpack
        self._rooms: dict[str, _Room] = {}
        self._ids = itertools.count(1)
        self._requests: dict[int, _Request] = {}
        self._joins: dict[int, list[str]] = {}  # rooms of each `sub` without a reply
        self._items: asyncio.Queue[LiveItem | None] = asyncio.Queue(_MAX_ITEMS)
        self._socket: ClientConnection | None = None
        self._outbox: asyncio.Queue[dict[str, Any]] | None = None  # of the present connection, once signed in
        self._failures = 0
        self._join_refusals = 0
        self._typed: tuple[str, float] = ("", 0.0)  # the booking and the time of the last `typing`
        self._retry_ms = 0
        self._end: Exception | None = None
        self._runner: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
        if self._items.full():
            self._items.get_nowait()
        self._items.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[LiveItem]:
        return self

    async def __anext__(self) -> LiveItem:
        """Return the next item. Raises LiveClosed or SignedOut after the last item."""
        item = await self._items.get()
        if item is None:
            self._items.put_nowait(None)
            raise self._end or StopAsyncIteration
        return item

    # ---- requests of the caller

    def subscribe(self, *rooms: str) -> None:
        """Subscribe now and after each reconnect; a Reload, Recovered or Left follows for each new room."""
        new = [room for room in rooms if room not in self._rooms]
        self._rooms |= {room: _Room() for room in new}
        self._join(new)

    def unsubscribe(self, *rooms: str) -> None:
        left = [room for room in rooms if self._rooms.pop(room, None)]
        if left and self._outbox:
            self._outbox.put_nowait({"t": "unsub", "id": next(self._ids), "rooms": left})

    async def send(
        self, booking: str, text: str = "", *, photos: Sequence[str] = (), key: str | None = None
    ) -> dict[str, Any]:
        """Send a chat message and return it as stored; after a TimeoutError it may be repeated with the same `key`."""
        message = {"booking": booking, "key": key or str(uuid4()), "text": text, "photos": list(photos)}
        return await self._ask({"t": "send", **message}, resend=True)

    async def read(self, booking: str, message: str) -> None:
        await self._ask({"t": "read", "booking": booking, "message": message}, resend=True)

    async def delivered(self, booking: str, message: str) -> None:
        await self._ask({"t": "delivered", "booking": booking, "message": message}, resend=True)

    async def where(self, booking: str, lat: float, lng: float) -> dict[str, Any] | None:
        """Report the position of a barber on the way; raises ConnectionError while there is no connection.

        Returns None for a position that was not used, because it came too soon or is too far away to be true.
        """
        return await self._ask({"t": "where", "booking": booking, "lat": lat, "lng": lng}, resend=False)

    def typing(self, booking: str) -> None:
        """Tell the other side, at most every two seconds; without effect while there is no connection."""
        now = asyncio.get_running_loop().time()
        is_due = booking != self._typed[0] or now - self._typed[1] >= _TYPING_EVERY_S
        if is_due and self._outbox and self._outbox.qsize() < _MAX_UNSENT:
            self._typed = booking, now
            self._outbox.put_nowait({"t": "typing", "booking": booking})

    def reconnect(self) -> None:
        """Drop the connection and resume on a new connection, for a device that has changed its network."""
        if self._socket:
            self._socket.transport.abort()

    async def _ask(self, frame: dict[str, Any], *, resend: bool) -> dict[str, Any]:
        """Return the reply. Raises RequestRefused, or TimeoutError without a reply in time."""
        if self._end:
            raise self._end
        if len(self._requests) >= _MAX_REQUESTS:
            raise RequestRefused("too_many_requests", f"{_MAX_REQUESTS} requests wait for their replies")
        if not (resend or self._outbox):
            raise ConnectionError("not connected")
        number = next(self._ids)
        request = _Request({**frame, "id": number}, resend, asyncio.get_running_loop().create_future())
        self._requests[number] = request
        self._transmit(number)
        try:
            async with asyncio.timeout(self._timing.resend_s if resend else self._timing.reply_s):
                return await request.reply
        finally:
            del self._requests[number]

    def _transmit(self, number: int) -> None:
        if self._outbox and number in self._requests:
            self._outbox.put_nowait(self._requests[number].frame)

    # ---- connections

    async def _run(self) -> None:
        """Connect again and again until the server or the caller forbids it."""
        try:
            while True:
                code = await self._connect()
                self._disconnect()
                if any(code in codes for codes in _FINAL_CODES):
                    raise LiveClosed(code)  # noqa: TRY301 -- one place ends the client
                retry_s = self._retry_ms / 1000 + random.uniform(0, self._ceiling(self._failures))  # noqa: S311 -- jitter
                self._failures += 1
                await self._items.put(Disconnected(code, retry_s))
                await asyncio.sleep(retry_s)
        except Exception as end:  # noqa: BLE001 -- the reader of the items gets it
            self._end = end
            await self._items.put(None)
        finally:
            for request in self._requests.values():
                if not request.reply.done():
                    request.reply.set_exception(self._end or ConnectionError("the client has ended"))

    def _ceiling(self, failures: int) -> float:
        return min(self._timing.max_backoff_s, self._timing.backoff_s * 2.0 ** min(failures, 16))

    def _later(self, refusals: int, call: Callable[[_T], None], argument: _T) -> None:
        """Repeat a request after a temporary refusal."""
        delay_s = random.uniform(0.5, 1) * self._ceiling(refusals)  # noqa: S311 -- jitter
        asyncio.get_running_loop().call_later(delay_s, call, argument)

    async def _connect(self) -> int:
        """Hold a connection until it ends, and return its close code."""
        self._retry_ms = 0
        try:
            token = await self._fresh_token()
            async with connect(
                self._url,
                subprotocols=[Subprotocol("grome.msgpack" if self._msgpack else "grome.json")],
                compression=None,
                open_timeout=self._timing.connect_s,
                ping_interval=None,
                close_timeout=_CLOSE_S,
                max_size=_MAX_FRAME_BYTES,
            ) as socket:
                await self._write(socket, {"t": "hello", "token": token})
                return await self._converse(socket)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else ABNORMAL
        except (OSError, WebSocketException):  # TimeoutError is an OSError
            return ABNORMAL

    async def _fresh_token(self) -> str:
        try:
            return await self._tokens()
        except SignedOut:
            raise
        except Exception as failure:
            raise ConnectionError("no access token") from failure

    async def _converse(self, socket: ClientConnection) -> int:
        outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        helpers = [asyncio.create_task(self._write_all(socket, outbox))]
        silence_s = self._timing.connect_s
        self._socket = socket
        try:
            while True:
                try:
                    async with asyncio.timeout(silence_s):
                        message = await socket.recv()
                except TimeoutError:
                    socket.transport.abort()
                    return ABNORMAL
                frame = msgspec.json.decode(message) if isinstance(message, str) else msgspec.msgpack.decode(message)
                match frame["t"]:
                    case "bye":
                        self._retry_ms = frame["retry_ms"]
                        return int(frame["code"])
                    case "hello":
                        silence_s = _SILENT_HEARTBEATS * frame["heartbeat_s"]
                        self._signed_in(outbox)
                        helpers.append(asyncio.create_task(self._keep_fresh(frame["expires_in"])))
                    case _:
                        self._failures = 0
                for item in self._receive(frame):
                    await self._items.put(item)
        finally:
            self._socket = None
            for helper in helpers:
                helper.cancel()
            await asyncio.wait(helpers)

    def _signed_in(self, outbox: asyncio.Queue[dict[str, Any]]) -> None:
        self._outbox = outbox
        self._join(list(self._rooms))
        for number in self._requests:
            self._transmit(number)

    def _disconnect(self) -> None:
        self._outbox = None
        self._joins.clear()
        for room in self._rooms.values():
            room.joined = False
        for request in self._requests.values():
            if not (request.resend or request.reply.done()):
                request.reply.set_exception(ConnectionError("the connection was lost"))

    async def _write(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        await socket.send(msgspec.msgpack.encode(frame) if self._msgpack else msgspec.json.encode(frame).decode())

    async def _write_all(self, socket: ClientConnection, outbox: asyncio.Queue[dict[str, Any]]) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self._write(socket, await outbox.get())

    async def _keep_fresh(self, expires_in: float) -> None:
        """Send a new token before each expiry; the server ends the connection if that fails."""
        with suppress(SignedOut, RequestRefused):
            while True:
                margin_s = min(_MAX_REFRESH_MARGIN_S, expires_in * _REFRESH_MARGIN)
                await asyncio.sleep(max(_MIN_REFRESH_S, expires_in - margin_s))
                try:
                    reply = await self._ask({"t": "refresh", "token": await self._fresh_token()}, resend=False)
                    expires_in = reply["expires_in"]
                except OSError:
                    expires_in = margin_s

    # ---- frames of the server

    def _receive(self, frame: dict[str, Any]) -> Iterator[LiveItem]:
        room = self._rooms.get(frame.get("r", ""))
        match frame["t"]:
            case "hello":
                yield Connected(frame["user"], tuple(frame["rooms"]))
            case "event" if room and room.joined and room.advance(frame["o"]):
                yield Event(frame["r"], frame["o"], frame["d"])
            case "typing" | "where" | "presence" if room:
                yield Signal(frame["t"], frame["r"], frame["d"])
            case "reset" if room:
                room.epoch, room.offset = frame["epoch"], frame["offset"]
                yield Reload(frame["r"])
            case "ping":
                for joined in filter(lambda room: room.joined, self._rooms.values()):
                    joined.advance(frame["o"])
            case "reply":
                if names := self._joins.pop(frame["id"], None):
                    yield from self._joined(names, frame)
                else:
                    self._replied(frame)

    def _join(self, names: Sequence[str]) -> None:
        """Ask for the rooms that are still subscribed and not joined on this connection."""
        names = [name for name in names if name in self._rooms and not self._rooms[name].joined]
        for batch in (names[start : start + _ROOMS_A_FRAME] for start in range(0, len(names), _ROOMS_A_FRAME)):
            if self._outbox:
                self._joins[number := next(self._ids)] = batch
                self._outbox.put_nowait({"t": "sub", "id": number, "rooms": [self._request_of(name) for name in batch]})
                asyncio.get_running_loop().call_later(self._timing.reply_s, self._join_again, number)

    def _join_again(self, number: int) -> None:
        """Repeat a `sub` that has no reply yet."""
        self._join(self._joins.pop(number, []))

    def _request_of(self, name: str) -> dict[str, str]:
        room = self._rooms[name]
        return (
            {"room": name, "epoch": room.epoch, "offset": room.offset} if room.epoch and room.offset else {"room": name}
        )

    def _joined(self, names: list[str], reply: dict[str, Any]) -> Iterator[LiveItem]:
        """Apply the reply to a `sub`: here, before the next frame, so that missed events precede new events."""
        results = reply["ok"]["rooms"] if "ok" in reply else [{"room": name, "error": reply["error"]} for name in names]
        again: list[str] = []
        for result in results:
            name, room = result["room"], self._rooms.get(result["room"])
            if not room:
                continue
            if error := result.get("error"):
                if error["temporary"]:
                    again.append(name)
                else:
                    del self._rooms[name]
                    yield Left(name, error["code"])
                continue
            room.joined = True
            if result["recovered"]:
                for event in result["events"]:
                    if room.advance(event["o"]):
                        yield Event(name, event["o"], event["d"])
                room.advance(result["offset"])
                yield Recovered(name)
            else:
                room.epoch, room.offset = result["epoch"], result["offset"]
                yield Reload(name)
        if again:
            self._later(self._join_refusals, self._join, again)
        self._join_refusals = self._join_refusals + 1 if again else 0

    def _replied(self, frame: dict[str, Any]) -> None:
        request = self._requests.get(frame["id"])
        if not request or request.reply.done():
            return
        error = frame.get("error")
        if not error:
            request.reply.set_result(frame["ok"])
        elif error["temporary"] and request.resend:
            self._later(request.refusals, self._transmit, request.frame["id"])
            request.refusals += 1
        else:
            request.reply.set_exception(RequestRefused(error["code"], error["message"]))
