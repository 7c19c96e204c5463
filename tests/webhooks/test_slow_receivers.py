"""Test that a hanging receiver delays no other, and that tests and replays have budgets."""

import asyncio
from datetime import timedelta

import pytest

from grome.infrastructure.jobs.errors import PostponedError, UndeliverableError
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.outbox.models import Event
from grome.infrastructure.redis.client import RedisClients
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.errors import DeliveryError
from grome.webhooks.health import pause_after, seconds_to_wait
from grome.webhooks.models import (
    FIRST_PAUSE,
    MAX_IN_FLIGHT,
    MAX_PAUSE,
    MAX_SLOW_ATTEMPTS,
    MAX_WAIT,
    REPLAY_BUDGETS,
    TEST_BUDGETS,
    WEBHOOK,
    RequestLease,
    SendWebhook,
)
from grome.webhooks.repository import EndpointRepository
from tests.builders.barbers import barber
from tests.builders.people import Person
from tests.infrastructure.jobs.test_jobs import run_worker
from tests.support.eventually import until
from tests.webhooks.receiver import Behaviour, Receiver, answering, receiving
from tests.webhooks.trial import Endpoint, Trial
from workers.registry import HANDLERS


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the sender gives up


async def made(trial: Trial, receiver: Receiver) -> tuple[Person, Endpoint, Event]:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    return shop.person, endpoint, event


def hanging(times: int) -> list[Behaviour]:
    return [hang] * times


async def test_concurrent_requests_of_an_endpoint_are_limited(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    receiver.behaviours = hanging(20)
    ended = await asyncio.gather(
        *(trial.deliver(endpoint, event, run=run) for run in range(12)), return_exceptions=True
    )
    kinds = [type(error) for error in ended]
    assert (kinds.count(DeliveryError), kinds.count(PostponedError)) == (MAX_IN_FLIGHT, 12 - MAX_IN_FLIGHT)
    assert receiver.connections == MAX_IN_FLIGHT


async def test_lease_of_a_dead_worker_expires(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    endpoints, now = EndpointRepository(trial.container.database), trial.clock()
    for number in range(MAX_IN_FLIGHT):
        await endpoints.acquire_lease(endpoint.id, RequestLease(str(number), now + timedelta(minutes=1)), now)
    with pytest.raises(PostponedError):
        await trial.deliver(endpoint, event)
    trial.clock.shift = timedelta(minutes=2)
    await trial.deliver(endpoint, event)
    assert receiver.connections == 1


async def test_repeated_delivery_of_a_dead_worker_takes_over_its_lease(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    endpoints, now = EndpointRepository(trial.container.database), trial.clock()
    for run in range(MAX_IN_FLIGHT):
        claim = SendWebhook(endpoint.id, event.id, run).claim
        await endpoints.acquire_lease(endpoint.id, RequestLease(claim, now + timedelta(minutes=1)), now)
    with pytest.raises(PostponedError):
        await trial.deliver(endpoint, event, run=MAX_IN_FLIGHT)
    await trial.deliver(endpoint, event, run=0)
    stored = await endpoints.find({}, endpoint.id)
    assert stored
    assert (receiver.connections, len(stored.in_flight)) == (1, MAX_IN_FLIGHT - 1)


async def test_hanging_receiver_is_paused_and_gets_one_request(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    receiver.behaviours = hanging(20)
    for _ in range(MAX_SLOW_ATTEMPTS):
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event)
    with pytest.raises(PostponedError) as put_off:
        await trial.deliver(endpoint, event)
    assert 30 < put_off.value.seconds < 90
    assert receiver.connections == MAX_SLOW_ATTEMPTS

    trial.clock.shift = FIRST_PAUSE + timedelta(seconds=5)
    ended = await asyncio.gather(*(trial.deliver(endpoint, event, run=run) for run in range(5)), return_exceptions=True)
    assert [type(error) for error in ended].count(DeliveryError) == 1
    trial.clock.shift += 3 * FIRST_PAUSE
    receiver.behaviours = []
    await trial.deliver(endpoint, event)
    stored = await EndpointRepository(trial.container.database).find({}, endpoint.id)
    assert stored is not None
    assert (stored.slow, stored.paused_until, stored.failures, stored.in_flight) == (0, None, 0, [])


async def test_delivery_postponed_for_a_day_has_failed(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    receiver.behaviours = hanging(MAX_SLOW_ATTEMPTS)
    for _ in range(MAX_SLOW_ATTEMPTS):
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event)
    wanted, asked_at = SendWebhook(endpoint.id, event.id), trial.clock() - MAX_WAIT - timedelta(minutes=1)
    with pytest.raises(UndeliverableError, match="too slow"):
        await trial.container.get(WebhookDeliverer).deliver(wanted, last=False, asked_at=asked_at)
    assert [one["state"] for one in await trial.log(person, endpoint)] == ["failed"]


async def test_quickly_failing_receiver_is_not_paused(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(500)] * 6
    for _ in range(6):
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event)
    assert receiver.connections == 6


async def test_hanging_receiver_does_not_delay_others(trial: Trial, receiver: Receiver) -> None:
    """Uses real workers, and more tests of the hanging endpoint than webhook slots."""
    bad_owner, good_owner = [(await barber(trial.http, trial.container)).person for _ in range(2)]
    async with receiving() as bad:
        bad.behaviours = hanging(1_000)
        hung = [await trial.endpoint(bad_owner, bad.url) for _ in range(3)]
        good = await trial.endpoint(good_owner, receiver.url)
        for number in range(60):
            await trial.post(bad_owner, f"/v1/webhooks/endpoints/{hung[number % 3].id}/test", 202)
        await trial.post(good_owner, f"/v1/webhooks/endpoints/{good.id}/test", 202)
        async with run_worker(trial.container, {WEBHOOK: HANDLERS[WEBHOOK]}):
            await until(lambda: len(receiver.requests) == 1)
        assert bad.connections <= 3 * (MAX_IN_FLIGHT + MAX_SLOW_ATTEMPTS + 1)
        await trial.container.database["jobs"].delete_many({"kind": WEBHOOK.name})
        await trial.container.get(RedisClients).commands.flushdb()


async def test_tests_of_an_endpoint_have_a_budget(trial: Trial, receiver: Receiver) -> None:
    person = (await barber(trial.http, trial.container)).person
    endpoint, other = [await trial.endpoint(person, receiver.url) for _ in range(2)]
    path = f"/v1/webhooks/endpoints/{endpoint.id}/test"
    answers = [await trial.http.post(path, headers=person.auth) for _ in range(TEST_BUDGETS[0].limit + 1)]
    assert [answer.status_code for answer in answers] == [202] * TEST_BUDGETS[0].limit + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_sends"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    await trial.post(person, f"/v1/webhooks/endpoints/{other.id}/test", 202)
    sent = await trial.container.database["webhook_deliveries"].count_documents({"endpoint_id": endpoint.id})
    assert sent == TEST_BUDGETS[0].limit


async def test_tests_of_all_endpoints_of_an_owner_have_a_budget(trial: Trial, receiver: Receiver) -> None:
    """Holds also for endpoints that are deleted and created again."""
    person = (await barber(trial.http, trial.container)).person
    sent = 0
    while sent <= TEST_BUDGETS[1].limit:
        endpoint = await trial.endpoint(person, receiver.url)
        path = f"/v1/webhooks/endpoints/{endpoint.id}"
        for _ in range(TEST_BUDGETS[0].limit):
            answer = await trial.http.post(f"{path}/test", headers=person.auth)
            if answer.status_code == 429:
                assert sent == TEST_BUDGETS[1].limit
                return
            sent += 1
        await trial.http.delete(path, headers=person.auth)
    pytest.fail("there is no end to tests")


async def test_replays_of_an_endpoint_have_a_budget(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, _ = await made(trial, receiver)
    (delivery,) = await trial.log(person, endpoint)
    for _ in range(REPLAY_BUDGETS[0].limit):
        assert await trial.container.get(Budgets).take(REPLAY_BUDGETS[0], str(endpoint.id)) is None
    path = f"/v1/webhooks/endpoints/{endpoint.id}/deliveries/{delivery['id']}/replay"
    refused = await trial.http.post(path, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sends")
    assert (await trial.log(person, endpoint))[0]["replays"] == 0


def test_pause_doubles_up_to_an_hour() -> None:
    pauses = [pause_after(slow) for slow in range(1, 20)]
    assert pauses[: MAX_SLOW_ATTEMPTS - 1] == [None] * (MAX_SLOW_ATTEMPTS - 1)
    assert pauses[MAX_SLOW_ATTEMPTS - 1 : MAX_SLOW_ATTEMPTS + 2] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == MAX_PAUSE


@pytest.mark.parametrize(
    ("paused_s", "waited_s", "least_s", "most_s"),
    [(0, 0, 0.25, 0.75), (0, 100, 5, 15), (0, 9_000, 15, 45), (60, 0, 60, 61)],
)
async def test_wait_for_a_turn_grows_with_the_delivery_age(
    trial: Trial, receiver: Receiver, paused_s: int, waited_s: int, least_s: float, most_s: float
) -> None:
    _, endpoint, _ = await made(trial, receiver)
    now, endpoints = trial.clock(), EndpointRepository(trial.container.database)
    until_then = now + timedelta(seconds=paused_s)
    stored = await endpoints.update({}, endpoint.id, {"paused_until": until_then})
    assert stored is not None
    paused_s_left = (stored.paused_until - now).total_seconds() if stored.paused_until else 0
    for chance in (0.0, 0.5, 1.0):
        found = seconds_to_wait(stored, now, timedelta(seconds=waited_s), chance)
        assert least_s - 0.01 <= found <= most_s + paused_s_left - paused_s + 0.01
