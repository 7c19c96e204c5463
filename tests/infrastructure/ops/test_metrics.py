"""The metrics for a monitoring system, and access to them."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from saq.job import Job as Message
from saq.queue.redis import RedisQueue

from config.loading import load_settings
from config.settings import Settings, SettingsError
from grome.app import App
from grome.cli.bootstrap import opened_container
from grome.common.clock import system_clock
from grome.infrastructure.container import Container
from grome.infrastructure.figures import count
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.redis.stored_counts import StoredCounts
from tests.api.problems import assert_refused
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.jobs import new_kind, stored_job
from tests.builders.people import Person, create_admin, register
from tests.support.app import ChangedContainer
from tests.support.eventually import until

SECRET = "a-secret-of-this-test"
Figures = dict[tuple[str, str], float]


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


async def figures(http: httpx.AsyncClient, auth: dict[str, str]) -> Figures:
    """By name and the one label's value."""
    response = await http.get("/metrics", headers=auth)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert response.headers["cache-control"] == "no-store"
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_metrics_count_jobs_by_state(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    before = await figures(http, boss.auth)
    kind = new_kind()
    for state, number in zip(State, (1, 2, 3, 4), strict=True):
        for _ in range(number):
            await stored_job(container, kind, state)
    after = await figures(http, boss.auth)
    added = [after["grome_jobs", state.value] - before["grome_jobs", state.value] for state in State]
    assert added == [1, 2, 3, 4]


async def test_metrics_have_the_age_of_the_oldest_overdue_job(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    job = await stored_job(container, new_kind(), State.PENDING, next_at=system_clock() - timedelta(days=1))
    assert (await figures(http, boss.auth))["grome_jobs_overdue_seconds", ""] == pytest.approx(86_400, abs=30)
    await container.get(JobQueue).drop(job.id)
    assert (await figures(http, boss.auth))["grome_jobs_overdue_seconds", ""] < 3_600


async def test_metrics_count_waiting_messages_by_queue(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    before = await figures(http, boss.auth)
    message = await container.get(Queues)[Queue.BULK].enqueue(Message(function="nothing", kwargs={}))
    assert message is not None
    after = await figures(http, boss.auth)
    await message.abort("the test is over")
    added = {queue: after["grome_queue_waiting", queue] - before["grome_queue_waiting", queue] for queue in Queue}
    assert added == {queue: int(queue is Queue.BULK) for queue in Queue}


async def test_metrics_have_the_lag_of_the_relay(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    leading = asyncio.create_task(container.get(Relay).run())
    before = system_clock()
    try:

        async def led() -> bool:
            return (await figures(http, boss.auth)).get(("grome_relay_silent_seconds", ""), 60) < 5

        await until(led)
        changed = "grome_relay_position_timestamp_seconds", ""
        customer, shop = await register(http), await barber(http, container)
        events = (await figures(http, boss.auth))["grome_relay_events_total", ""]
        await book(http, customer, shop, tomorrow(9))

        async def handed_on() -> bool:
            found = await figures(http, boss.auth)
            return found["grome_relay_events_total", ""] > events and found[changed] >= before.timestamp()

        await until(handed_on)
        assert (await figures(http, boss.auth))["grome_relay_lag_seconds", ""] < 5
    finally:
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading


@pytest.fixture
def redis_away(app: App, container: Container) -> Iterator[None]:
    nobody_there = {name: RedisQueue.from_url("redis://127.0.0.1:1", name=name) for name in Queue}
    app.ctx.container = ChangedContainer(container, objects={Queues: nobody_there})
    yield
    app.ctx.container = container


@pytest.mark.usefixtures("redis_away")
async def test_metrics_without_redis_have_the_other_figures(http: httpx.AsyncClient, boss: Person) -> None:
    found = await figures(http, boss.auth)
    assert (found["grome_metrics_up", "queues"], found["grome_metrics_up", "jobs"]) == (0, 1)
    assert ("grome_jobs", "dead") in found
    assert ("grome_queue_waiting", "bulk") not in found


@pytest.fixture
def secret(app: App, container: Container) -> Iterator[None]:
    http = msgspec.structs.replace(container.settings.http, metrics_token=SECRET)
    app.ctx.container = ChangedContainer(container, settings=msgspec.structs.replace(container.settings, http=http))
    yield
    app.ctx.container = container


@pytest.mark.usefixtures("secret")
async def test_metrics_are_readable_with_the_secret_or_by_an_admin(http: httpx.AsyncClient, boss: Person) -> None:
    assert await figures(http, {"Authorization": f"Bearer {SECRET}"})
    assert await figures(http, boss.auth)
    customer = await register(http)
    assert_refused(await http.get("/metrics", headers=customer.auth), 403, "forbidden", told="a customer")
    for wrong in (f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", f"Basic {SECRET}", SECRET, "Bearer", "Bearer \xff"):
        sent = {b"Authorization": wrong.encode("latin-1")}
        assert_refused(await http.get("/metrics", headers=sent), 401, "unauthenticated", told=wrong)


@pytest.mark.usefixtures("secret")
async def test_metrics_secret_is_refused_by_other_routes(http: httpx.AsyncClient) -> None:
    for path in ("/v1/admin/jobs", "/v1/me"):
        answer = await http.get(path, headers={"Authorization": f"Bearer {SECRET}"})
        assert_refused(answer, 401, "unauthenticated", told=path)


async def test_unset_metrics_secret_allows_no_access(http: httpx.AsyncClient) -> None:
    for sent in ("Bearer", "bearer", '""'):
        assert_refused(await http.get("/metrics", headers={"Authorization": sent}), 401, "unauthenticated", told=sent)


@pytest.mark.parametrize("weak", ["short", "fifteen-letters", "with a space in it", "with-a-newline-at-end\n"])
def test_weak_metrics_secret_is_refused_and_not_shown(weak: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"GROME_ENV": "test", "GROME_HTTP_METRICS_TOKEN": weak})
    assert "GROME_HTTP_METRICS_TOKEN" in refused.value.faults[0]
    assert weak not in refused.value.faults[0]


def test_strong_metrics_secret_is_accepted(settings: Settings) -> None:
    assert settings.http.metrics_token == ""
    assert load_settings({"GROME_ENV": "test", "GROME_HTTP_METRICS_TOKEN": SECRET}).http.metrics_token == SECRET


async def test_metrics_count_failed_items_by_loop(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    async def fail(_item: int) -> None:
        raise ValueError

    name = ("grome_failed_items_total", "tested loop")
    before = (await figures(http, boss.auth)).get(name, 0)
    await for_each([1, 2, 3], fail, name="tested loop")
    await container.get(StoredCounts).store()
    await container.get(StoredCounts).store()
    assert (await figures(http, boss.auth))[name] == before + 3


async def test_metrics_sum_figures_of_all_processes_by_their_labels(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    async def figure(name: str, **labels: str) -> float:
        text = (await http.get("/metrics", headers=boss.auth)).text
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next((one.value for one in found if one.name == name and one.labels == labels), 0)

    async def all_figures() -> list[float]:
        return [
            await figure("grome_stripe_calls_total", call="tested", outcome="ok"),
            await figure("grome_stripe_call_seconds_total", call="tested"),
            await figure("grome_stripe_events_total", outcome="tested"),
            await figure("grome_payment_amount_total", change="payment.tested", currency="EUR"),
        ]

    before = await all_figures()
    for _ in range(2):  # two processes
        count("stripe_calls", "tested", "ok")
        count("stripe_call_ms", "tested", by=1_500)
        count("stripe_events", "tested")
        count("payment_amounts", "payment.tested", "EUR", by=4_000)
        await container.get(StoredCounts).store()
    count("of a later release", "tested")
    await container.get(StoredCounts).store()
    assert await all_figures() == [was + more for was, more in zip(before, [2, 3, 2, 8_000], strict=True)]


async def test_counts_of_a_container_that_closes_are_stored(settings: Settings, container: Container) -> None:
    before = await container.get(StoredCounts).figures()
    async with opened_container(settings) as closing:
        closing.get(StoredCounts)
        count("live_closed", "tested")
    after = await container.get(StoredCounts).figures()
    name = ("live_closed", "tested")
    assert after[name] == before.get(name, 0) + 1
