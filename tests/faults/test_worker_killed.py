"""After `kill -9` of a process under load, a new process replaces it, and no confirmed booking is lost."""

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, register
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome

pytestmark = pytest.mark.alone

REPLACED_WITHIN_S = 5
MOST_KILLS = 3  # a busy machine delays one replacement, but not all
PAUSE_S = 0.05
METRICS_SECRET = "a-secret-of-this-test"


@pytest.fixture
def own_grome(settings: Settings, database: None, tmp_path: Path) -> Iterator[RunningGrome]:  # noqa: ARG001
    """Start an own Grome, since its processes are killed."""
    with running_grome(settings, tmp_path, GROME_HTTP_METRICS_TOKEN=METRICS_SECRET) as started:
        yield started


@dataclass
class Load:
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
                await asyncio.sleep(PAUSE_S)  # without a pause the load takes all cores

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


async def test_killed_api_worker_is_replaced_and_no_confirmed_booking_is_lost(
    own_grome: RunningGrome, container: Container
) -> None:
    async with http_client(own_grome.url) as http:
        shop, customer = await barber(http, container, durations=(5,), timezone="UTC"), await register(http)
    loads = [Load(own_grome.url, shop, customer, _next=number * 2_000) for number in range(4)]
    tasks = [asyncio.create_task(load.run()) for load in loads]
    await asyncio.sleep(1)

    took: list[float] = []
    while len(took) < MOST_KILLS and min(took, default=REPLACED_WITHIN_S) >= REPLACED_WITHIN_S:
        before = {process.pid for process in own_grome.workers("Server")}
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        took.append(await asyncio.to_thread(_seconds_until_replaced, own_grome, "Server", before - {victim}))
        await asyncio.sleep(1)
    for load in loads:
        load.stopped = True
    await asyncio.gather(*tasks)

    assert min(took) < REPLACED_WITHIN_S
    assert {status for load in loads for status in load.statuses} == {201}
    answered = [UUID(booking) for load in loads for booking in load.answered]
    assert len(answered) > 50
    stored = await container.database["bookings"].count_documents({"_id": {"$in": answered}, "active": True})
    assert stored == len(answered)
    # A worker counts a response before it sends it, and may be killed in between; then the request is a broken one.
    broken = sum(load.broken.total() for load in loads)
    for counted in await _counted_bookings(own_grome):
        assert len(answered) <= counted <= len(answered) + broken


async def _counted_bookings(grome: RunningGrome) -> list[float]:
    """Return the created bookings according to `/metrics`: by responses, and by writes."""
    async with http_client(grome.url) as http:
        answer = await http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_SECRET}"})
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    request = {"route": "/v1/bookings", "method": "POST", "status": "201"}
    responses = [each.value for each in samples if each.name == "grome_http_requests_total" and each.labels == request]
    return [*responses, sum(each.value for each in samples if each.name == "grome_bookings_total")]


async def test_killed_job_worker_is_replaced(own_grome: RunningGrome) -> None:
    before = {process.pid for process in own_grome.workers("Jobs")}
    assert len(before) == 1
    os.kill(min(before), signal.SIGKILL)
    assert await asyncio.to_thread(_seconds_until_replaced, own_grome, "Jobs", set()) < REPLACED_WITHIN_S


def _seconds_until_replaced(grome: RunningGrome, kind: str, survivors: set[int]) -> float:
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
