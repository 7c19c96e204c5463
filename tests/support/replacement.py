"""Create bookings while processes of a Grome are killed, and time their replacement."""

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import Person
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome

REPLACED_WITHIN_S: Final = 5
_PAUSE_S: Final = 0.05


@dataclass
class BookingLoad:
    """Creates bookings of different free slots until `stopped`, and keeps the answers."""

    url: str
    shop: Barber
    customer: Person
    stopped: bool = False
    answered: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    _next: int = 0

    async def run(self) -> None:
        async with http_client(self.url) as http:
            while not self.stopped:
                await self._create(http)
                await asyncio.sleep(_PAUSE_S)  # without a pause the load takes all cores

    async def _create(self, http: httpx.AsyncClient) -> None:
        self._next += 1
        service_id, duration = self.shop.services[0]
        start = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
        wanted = {
            "barber_id": self.shop.id,
            "service_ids": [service_id],
            "scheduled_at": (start + timedelta(minutes=duration * self._next)).isoformat(),
        }
        try:
            answer = await http.post("/v1/bookings", json=wanted, headers=self.customer.auth)
        except httpx.TransportError as error:
            self.broken[type(error).__name__] += 1
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.answered.append(answer.json()["id"])


def seconds_until_replaced(grome: RunningGrome, kind: str, survivors: set[int]) -> float:
    """Return the seconds until there is a process beside the survivors; an API worker must also answer."""
    started = time.monotonic()
    while time.monotonic() - started < 3 * REPLACED_WITHIN_S:
        new = [process for process in grome.workers(kind) if process.pid not in survivors]
        if len(new) == 1 and (kind != "Server" or _answers_without(grome, survivors)):
            break
        time.sleep(0.2)
    return time.monotonic() - started


def _answers_without(grome: RunningGrome, survivors: set[int]) -> bool:
    """Stop the survivors, which share a socket with the new process, and return whether a request is answered."""
    url = httpx.URL(grome.url)
    for pid in survivors:
        os.kill(pid, signal.SIGSTOP)
    try:
        with socket.create_connection((url.host, url.port), timeout=0.5) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: grome\r\n\r\n")
            return connection.recv(12) == b"HTTP/1.1 200"
    except TimeoutError:
        return False
    finally:
        for pid in survivors:
            os.kill(pid, signal.SIGCONT)
