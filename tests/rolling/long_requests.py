"""Long requests and live clients that are under way while processes are replaced: none may fail, no event be lost."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from grome.infrastructure.container import Container
from grome.live_client.client import LiveClient, Timing
from grome.live_client.items import Disconnected, Event, LiveItem, Reload
from grome.realtime.close_codes import CloseCode
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import tomorrow
from tests.builders.people import Person, register
from tests.builders.reports import built, insert_all, make_booking
from tests.builders.uploads import announce, here
from tests.support.eventually import PATIENCE_S, until
from tests.support.http_client import http_client

UPLOADS, DOWNLOADS, SOCKETS, STREAMS = "5 MB upload", "slow report", "socket", "event stream"
_UPLOAD_BYTES: Final = 5 * 2**20
_REPORT_ROWS: Final = 15_000
_LASTS_S: Final = 4.0  # of an upload or a download
_CHUNK: Final = 2**16
_SMALL_BUFFER: Final = 2**15  # so that the server holds most of a download
_SSE_PAUSE_S: Final = 0.2
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


# Ends of an event stream without a code of the server.
_NO_BYE: Final = 1
_BROKEN: Final = 2


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"an event stream was answered {status}")
        self.status = status


@dataclass
class Events:
    """The events that a live client has got, and the ends of its connections by code."""

    ids: list[str] = field(default_factory=list)
    ends: Counter[int] = field(default_factory=Counter)
    lost_positions: int = 0


@dataclass
class LongRequests:
    """Runs so many of each kind side by side. `failed` has the reasons, `done` counts requests by kind."""

    each: int = 2
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    events: dict[str, list[Events]] = field(default_factory=lambda: {SOCKETS: [], STREAMS: []})
    is_over: bool = False
    is_away: bool = False  # there is no server, so clients are refused until it is back
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _followers: list[asyncio.Task[None]] = field(default_factory=list)
    _shop: Barber | None = None
    _stored_before: set[str] = field(default_factory=set)

    async def start(self, container: Container, url: str, shop: Barber) -> None:
        """Start all clients, and return when the live clients are subscribed."""
        async with http_client(url) as http:
            other = await barber(http, container, durations=(30,))
            rows = [make_booking(tomorrow(9), barber_id=other.person.id) for _ in range(_REPORT_ROWS)]
            await insert_all(container, rows)
            report = await built(http, container, other.person)
        link = urlsplit(report["url"])
        self._shop = shop
        for _ in range(self.each):
            for kind, follow in ((SOCKETS, self._follow_socket), (STREAMS, self._follow_stream)):
                self.events[kind].append(Events())
                self._followers.append(asyncio.create_task(follow(url, shop, self.events[kind][-1])))
            self._tasks.append(asyncio.create_task(self._repeat(UPLOADS, lambda: _upload(url))))
            self._tasks.append(asyncio.create_task(self._repeat(DOWNLOADS, lambda: _download(url, link.path))))
        await until(lambda: all(events.ends[0] for events in self._all_events()))
        self._stored_before = await self._stored(container)

    async def finish_requests(self) -> None:
        """Let uploads and downloads end."""
        self.is_over = True
        await asyncio.gather(*self._tasks)

    async def finish(self, container: Container) -> None:
        """End all clients, when the live clients have got all events of the shop or have had time for it."""
        await self.finish_requests()
        expected = await self._stored(container) - self._stored_before
        with suppress(AssertionError):
            await until(lambda: all(expected <= set(events.ids) for events in self._all_events()), within_s=PATIENCE_S)
        for task in self._followers:
            task.cancel()
        for kind, found in self.events.items():
            for events in found:
                self._judge(kind, events, expected)

    def ended(self, kind: str) -> Counter[int]:
        """Return the ends of connections by code."""
        return sum((events.ends for events in self.events[kind]), Counter[int]()) - Counter({0: self.each})

    def _all_events(self) -> list[Events]:
        return [events for found in self.events.values() for events in found]

    async def _stored(self, container: Container) -> set[str]:
        assert self._shop
        bookings = container.database["bookings"].find({"barber_id": self._shop.person.id}, {"history.id": 1})
        return {str(entry["id"]) async for booking in bookings for entry in booking["history"]}

    def _judge(self, kind: str, events: Events, expected: set[str]) -> None:
        self.done[f"event at {kind}"] += len(events.ids)
        if missing := expected - set(events.ids):
            self.failed.append(f"{kind}: {len(missing)} of {len(expected)} events lost")
        if doubled := len(events.ids) - len(set(events.ids)):
            self.failed.append(f"{kind}: {doubled} events came twice")
        if events.lost_positions:
            self.failed.append(f"{kind}: position lost {events.lost_positions} times")
        if others := {code: times for code, times in events.ends.items() if code not in {0, CloseCode.DRAIN}}:
            self.failed.append(f"{kind}: ended by {others}")

    async def _repeat(self, kind: str, send: Callable[[], Awaitable[None]]) -> None:
        while not self.is_over:
            try:
                await asyncio.wait_for(send(), PATIENCE_S)
            except (OSError, httpx.TransportError, asyncio.IncompleteReadError, AssertionError, TimeoutError) as error:
                self.failed.append(f"{kind}: {error!r}")
                await asyncio.sleep(_SSE_PAUSE_S)
            else:
                self.done[kind] += 1

    async def _follow_socket(self, url: str, shop: Barber, events: Events) -> None:
        async def token() -> str:
            return shop.person.access_token

        address = f"{url.replace('http', 'ws', 1)}/v1/live"
        async with LiveClient(address, token, timing=Timing(backoff_s=0.05, max_backoff_s=0.5)) as client:
            client.subscribe("user")
            async for item in client:
                self._take(events, item)

    def _take(self, events: Events, item: LiveItem) -> None:
        match item:
            case Event(_, _, data):
                events.ids.append(data["id"])
            case Reload():
                events.lost_positions += bool(events.ends[0])
                events.ends[0] = 1  # it is subscribed
            case Disconnected(code, _):
                self._count_end(events, code)

    def _count_end(self, events: Events, code: int) -> None:
        if not self.is_away or code == CloseCode.DRAIN:
            events.ends[code] += 1

    async def _follow_stream(self, url: str, shop: Barber, events: Events) -> None:
        last_id = ""
        async with http_client(url) as http:
            while True:
                code = _NO_BYE
                try:
                    async for position, frame in _frames(http, shop.person, last_id):
                        last_id = position
                        match frame["t"]:
                            case "event":
                                events.ids.append(frame["d"]["id"])
                            case "bye":
                                code = frame["code"]
                            case "reply":
                                (room,) = frame["ok"]["rooms"]
                                events.lost_positions += bool(events.ends[0]) and not room["recovered"]
                                events.ids += [event["d"]["id"] for event in room["events"]]
                                events.ends[0] = 1
                except httpx.TransportError:
                    code = _BROKEN
                except _RefusedError as refusal:
                    code = refusal.status
                self._count_end(events, code)
                await asyncio.sleep(_SSE_PAUSE_S)


async def _frames(http: httpx.AsyncClient, person: Person, last_id: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield each frame of a stream with the id to resume from."""
    headers = person.auth | ({"Last-Event-ID": last_id} if last_id else {})
    async with http.stream("GET", "/v1/events?rooms=user", headers=headers) as response:
        if response.status_code != 200:
            raise _RefusedError(response.status_code)
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                last_id = value
            elif name == "data":
                yield last_id, msgspec.json.decode(value)


async def _upload(url: str) -> None:
    """Send 5 MB slowly, as a phone does, by a form of a new person."""
    async with http_client(url) as http:
        announced = await announce(http, await register(http), _UPLOAD_BYTES)
    files = {"file": ("a.png", bytes(_UPLOAD_BYTES))}
    request = httpx.Request("POST", f"{url}{here(announced['url'])}", data=announced["fields"], files=files)
    body, parts = request.read(), urlsplit(str(request.url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        writer.write(f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode())
        for start in range(0, len(body), _CHUNK):
            writer.write(body[start : start + _CHUNK])
            await writer.drain()
            await asyncio.sleep(_LASTS_S * _CHUNK / len(body))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 204"), head[:60]
    finally:
        writer.close()


async def _download(url: str, path: str) -> None:
    """Read a file slowly, and assert that all of it comes."""
    parts = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=line, limit=_CHUNK)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.hostname}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert head.startswith(b"HTTP/1.1 200"), head[:60]
        assert length
        left = int(length[1])
        while left:
            left -= len(await reader.readexactly(min(left, _CHUNK)))
            await asyncio.sleep(_LASTS_S * _CHUNK / int(length[1]))
    finally:
        writer.close()
