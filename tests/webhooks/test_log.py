"""Test the list of deliveries, replays and retention."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from grome.common.ids import new_id
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import State
from grome.infrastructure.outbox.relay import Subscribers
from grome.webhooks.errors import DeliveryError
from grome.webhooks.repository import DELIVERIES
from tests.builders.bookings import move, serve
from tests.webhooks.receiver import Receiver, answering
from tests.webhooks.trial import Endpoint, Trial


def path(endpoint: Endpoint, rest: str = "") -> str:
    return f"/v1/webhooks/endpoints/{endpoint.id}/deliveries{rest}"


async def test_delivery_list_pages_newest_first(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    others = await trial.endpoint(shop.person, receiver.url, types=["booking.completed"])
    await serve(trial.container, booking, "accept", "start", "complete")
    for event in await trial.events(booking):
        await trial.container.get(Subscribers)["webhooks"].handle([event])
    found: list[dict[str, Any]] = []
    query = {"limit": "3"}
    while True:
        page = (await trial.http.get(path(endpoint), params=query, headers=shop.auth)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    types = ["booking.completed", "booking.started", "booking.accepted", "booking.requested"]
    assert [one["type"] for one in found] == types
    assert [one["type"] for one in await trial.log(shop.person, others)] == ["booking.completed"]


async def test_delivery_list_filters_by_state(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    await move(trial.http, shop.auth, booking, "accept")
    first, _ = await trial.follow(booking)
    await trial.deliver(endpoint, first)
    for state, types in (("delivered", ["booking.requested"]), ("pending", ["booking.accepted"]), ("failed", [])):
        listed = (await trial.http.get(path(endpoint), params={"state": state}, headers=shop.auth)).json()["items"]
        assert [one["type"] for one in listed] == types


async def test_delivery_has_its_body(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    await trial.deliver(endpoint, event)
    (listed,) = await trial.log(shop.person, endpoint)
    read = await trial.get(shop.person, path(endpoint, f"/{listed['id']}"))
    assert read == {"delivery": listed, "body": receiver.requests[0].body.decode()}
    assert listed["event_id"] == str(event.id)
    (attempt,) = listed["attempts"]
    assert attempt == {**attempt, "run": 0, "status": 200, "error": None, "answer": "ok"}
    assert 0 <= attempt["duration_ms"] < 1_000
    assert (await trial.http.get(path(endpoint, f"/{new_id()}"), headers=shop.auth)).status_code == 404


async def test_replay_sends_the_same_delivery_again(trial: Trial, receiver: Receiver) -> None:
    """Covers failed and delivered deliveries, each replayed by a job of its own."""
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    receiver.behaviours = [answering(500)]
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event, last=True)
    (listed,) = await trial.log(shop.person, endpoint)
    for run in (1, 2):
        replayed = await trial.post(shop.person, path(endpoint, f"/{listed['id']}/replay"), 202)
        assert (replayed["state"], replayed["replays"]) == ("pending", run)
        job = await trial.container.get(JobQueue).find(f"{event.id}:webhook:{endpoint.id}:replay:{run}")
        assert job is not None
        assert (job.state, job.payload["run"]) == (State.PENDING, run)
        await trial.deliver(endpoint, event, run=run)
        await trial.deliver(endpoint, event, run=run)
        assert (await trial.stored(endpoint, event)).state == "delivered"
    assert len(receiver.requests) == 3
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.requests}) == 1
    (listed,) = await trial.log(shop.person, endpoint)
    assert [(one["run"], one["status"]) for one in listed["attempts"]] == [(0, 500), (1, 200), (2, 200)]
    assert (await trial.http.post(path(endpoint, f"/{new_id()}/replay"), headers=shop.auth)).status_code == 404


async def test_last_try_of_an_older_run_leaves_the_replay_pending(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    (listed,) = await trial.log(shop.person, endpoint)
    await trial.post(shop.person, path(endpoint, f"/{listed['id']}/replay"), 202)
    receiver.behaviours = [answering(500)]
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event, last=True)
    assert (await trial.stored(endpoint, event)).state == "pending"
    await trial.deliver(endpoint, event, run=1)
    receiver.behaviours = [answering(500)]
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event, last=True)
    assert (await trial.stored(endpoint, event)).state == "delivered"


async def test_replay_to_a_disabled_endpoint_is_refused(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    await trial.follow(booking)
    (listed,) = await trial.log(shop.person, endpoint)
    off = {"url": receiver.url, "enabled": False}
    await trial.http.put(f"/v1/webhooks/endpoints/{endpoint.id}", json=off, headers=shop.auth)
    refused = await trial.http.post(path(endpoint, f"/{listed['id']}/replay"), headers=shop.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_disabled")
    assert await trial.log(shop.person, endpoint) == [listed]


async def test_test_request_sends_a_ping(trial: Trial, receiver: Receiver) -> None:
    shop, _, _ = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url, types=["booking.accepted"])
    asked = await trial.post(shop.person, f"/v1/webhooks/endpoints/{endpoint.id}/test", 202)
    (stored,) = await trial.container.database["webhook_deliveries"].find({"endpoint_id": endpoint.id}).to_list()
    await trial.deliver(endpoint, stored["event_id"])
    (got,) = receiver.requests
    told = Webhook(endpoint.secret).verify(got.body, got.headers)
    assert (told["type"], told["data"]) == ("ping", {"endpoint_id": str(endpoint.id)})
    assert got.headers["webhook-id"] == asked["event_id"]
    assert json.loads(got.body)["timestamp"] == asked["created_at"]


async def test_attempts_are_limited_and_deliveries_expire(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    for run in range(25):
        await trial.deliver(endpoint, event, run=run)
    assert [attempt.run for attempt in (await trial.stored(endpoint, event)).attempts] == list(range(5, 25))
    indexes = await trial.container.database[DELIVERIES.name].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == 30 * 24 * 3_600
