"""After `kill -9` of a process under load, a new process replaces it, and no confirmed booking is lost."""

import asyncio
import os
import signal
from collections.abc import Iterator
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.people import register
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome
from tests.support.replacement import REPLACED_WITHIN_S, BookingLoad, seconds_until_replaced

pytestmark = pytest.mark.alone

MOST_KILLS = 3  # a busy machine delays one replacement, but not all
METRICS_SECRET = "a-secret-of-this-test"


@pytest.fixture(scope="module")
def own_grome(
    settings: Settings,
    database: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGrome]:
    """Start an own Grome, since its processes are killed."""
    with running_grome(settings, tmp_path_factory.mktemp("killed"), GROME_HTTP_METRICS_TOKEN=METRICS_SECRET) as started:
        yield started


async def test_killed_api_worker_is_replaced_and_no_confirmed_booking_is_lost(
    own_grome: RunningGrome, container: Container
) -> None:
    async with http_client(own_grome.url) as http:
        shop, customer = await barber(http, container, durations=(5,), timezone="UTC"), await register(http)
    loads = [BookingLoad(own_grome.url, shop, customer, _next=number * 2_000) for number in range(4)]
    tasks = [asyncio.create_task(load.run()) for load in loads]
    await asyncio.sleep(1)

    took: list[float] = []
    while len(took) < MOST_KILLS and min(took, default=REPLACED_WITHIN_S) >= REPLACED_WITHIN_S:
        before = {process.pid for process in own_grome.workers("Server")}
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        took.append(await asyncio.to_thread(seconds_until_replaced, own_grome, "Server", before - {victim}))
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
    assert await asyncio.to_thread(seconds_until_replaced, own_grome, "Jobs", set()) < REPLACED_WITHIN_S
