"""A load that counts failed requests: searches and bookings on kept connections, and requests on new connections."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from tests.builders.barbers import Barber
from tests.builders.people import Person
from tests.builders.searches import NEARBY
from tests.support.eventually import PATIENCE_S

_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_TICK: Final = timedelta(minutes=5)
SEARCHES, BOOKINGS, NEWCOMERS = "search, kept connection", "booking, kept connection", "any, new connection"
KINDS: Final = (SEARCHES, BOOKINGS, NEWCOMERS)


class BrokenAnswerError(Exception):
    """The connection ended before the answer did."""


@dataclass
class Tally:
    """The requests of one kind. `failed` has the reasons."""

    requests: int = 0
    connections: int = 0
    slowest_s: float = 0.0
    failed: list[str] = field(default_factory=list)


class Client:
    """A client on one connection that opens another after an answer with `Connection: close`, and never tries again."""

    def __init__(self, url: str, tally: Tally, *, keeps: bool = True) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._keeps, self.tally = parts.hostname or "", parts.port, keeps, tally
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, target: str, expected: int, body: bytes = b"", headers: str = "") -> None:
        began = time.monotonic()
        self.tally.requests += 1
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        try:
            status = await asyncio.wait_for(self._exchange(head.encode() + body), PATIENCE_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, BrokenAnswerError) as error:
            self.tally.failed.append(f"{method} {target}: {error!r}")
            self.close()
            return
        self.tally.slowest_s = max(self.tally.slowest_s, time.monotonic() - began)
        if status != expected:
            self.tally.failed.append(f"{method} {target}: {status}")

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None

    async def _exchange(self, request: bytes) -> int:
        if self._streams and self._streams[0].at_eof():  # closed by the server while nothing was asked
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
            self.tally.connections += 1
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if length := _LENGTH.search(head):
            await reader.readexactly(int(length[1]))
        if not self._keeps or b"connection: close" in head.lower():
            self.close()
        return int(head.split(b" ", 2)[1])


@dataclass
class Load:
    """Sends requests to `url` until `is_over`."""

    url: str
    shop: Barber
    customer: Person
    pause_s: float = 0.01
    is_over: bool = False
    tallies: dict[str, Tally] = field(
        default_factory=lambda: {kind: Tally() for kind in (SEARCHES, BOOKINGS, NEWCOMERS)}
    )
    _bookings: int = 0

    @property
    def requests(self) -> int:
        return sum(tally.requests for tally in self.tallies.values())

    @property
    def failed(self) -> list[str]:
        return [reason for tally in self.tallies.values() for reason in tally.failed]

    async def run(self, clients: int) -> None:
        """Run so many clients of each kind."""
        kinds = (self._search, self._book, self._come)
        await asyncio.gather(*(kind() for kind in kinds for _ in range(clients)))

    async def _search(self) -> None:
        client = Client(self.url, self.tallies[SEARCHES])
        while not self.is_over:
            await client.send("GET", f"{NEARBY}?lat=52.52&lng=13.40&radius_km=10", 200)
            await asyncio.sleep(self.pause_s)
        client.close()

    async def _book(self) -> None:
        client = Client(self.url, self.tallies[BOOKINGS])
        while not self.is_over:
            self._bookings += 1
            body = {
                "barber_id": self.shop.id,
                "service_ids": [self.shop.services[0][0]],
                "scheduled_at": (_midnight_after_tomorrow() + self._bookings * _TICK).isoformat(),
            }
            headers = f"{_lines(self.customer.auth)}Content-Type: application/json\r\nIdempotency-Key: {uuid4()}\r\n"
            await client.send("POST", "/v1/bookings", 201, json.dumps(body).encode(), headers)
            await asyncio.sleep(4 * self.pause_s)
        client.close()

    async def _come(self) -> None:
        client = Client(self.url, self.tallies[NEWCOMERS], keeps=False)
        while not self.is_over:
            await client.send("GET", "/v1/me", 200, headers=_lines(self.customer.auth))
            await asyncio.sleep(2 * self.pause_s)


def _midnight_after_tomorrow() -> datetime:
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
