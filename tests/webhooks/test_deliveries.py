"""Test deliveries from the event to the receiver, verified by the specification's own library."""

import asyncio
import base64
import hmac
import json
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from grome.common.ids import new_id
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.outbox.relay import Subscribers
from grome.webhooks.errors import DeliveryError
from tests.builders.barbers import barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import create_admin, register
from tests.support.eventually import until
from tests.webhooks.receiver import Received, Receiver, answering
from tests.webhooks.trial import Trial, registered, reviewed
from workers.registry import HANDLERS
from workers.runner import work


async def sent(trial: Trial, receiver: Receiver) -> tuple[str, Received]:
    """Return the secret and a request that was signed with it."""
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    await trial.deliver(endpoint, event)
    return endpoint.secret, receiver.requests[-1]


async def test_delivery_contains_the_booking_as_in_the_api(trial: Trial, receiver: Receiver) -> None:
    shop, customer, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    await trial.deliver(endpoint, event)
    (got,) = receiver.requests
    told = Webhook(endpoint.secret).verify(got.body, got.headers)
    assert got.target == "/hooks?from=grome"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["webhook-id"] == str(event.id)
    assert told["type"] == "booking.requested"
    assert told["timestamp"] == event.at.isoformat().replace("+00:00", "Z")
    assert told["data"] == booking == await trial.get(customer, f"/v1/bookings/{booking['id']}")


async def test_delivery_contains_the_booking_at_the_events_version(trial: Trial, receiver: Receiver) -> None:
    shop, customer, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    for action, person in (("accept", shop.person), ("cancel", customer)):
        assert (await move(trial.http, person.auth, booking, action)).status_code == 200
    for event in await trial.follow(booking):
        await trial.deliver(endpoint, event)
    told = [json.loads(request.body) for request in receiver.requests]
    assert [one["type"] for one in told] == ["booking.requested", "booking.accepted", "booking.cancelled"]
    assert [(one["data"]["status"], one["data"]["reason"], one["data"]["version"]) for one in told] == [
        ("requested", None, 1),
        ("accepted", None, 2),
        ("cancelled", "customer", 3),
    ]


async def test_altered_delivery_fails_verification(trial: Trial, receiver: Receiver) -> None:
    secret, got = await sent(trial, receiver)
    old = str(int(got.headers["webhook-timestamp"]) - 1)
    other = Webhook(secret[:-4] + "AAA=")
    for headers, body in (
        ({}, got.body.replace(b"requested", b"accepted")),
        ({}, got.body + b" "),
        ({"webhook-id": str(new_id())}, got.body),
        ({"webhook-timestamp": old}, got.body),
        ({"webhook-signature": "v1,AAAA"}, got.body),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, {**got.headers, **headers})
    with pytest.raises(WebhookVerificationError):
        other.verify(got.body, got.headers)
    Webhook(secret).verify(got.body, got.headers)


async def test_old_delivery_fails_verification(trial: Trial, receiver: Receiver) -> None:
    trial.clock.shift = timedelta(minutes=-6)
    secret, got = await sent(trial, receiver)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(got.body, got.headers)


async def test_rotation_signs_with_both_secrets_for_a_day(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    secrets = [endpoint.secret]
    for hours_ago in (26, 23):
        trial.clock.shift = timedelta(hours=-hours_ago)
        rotated = await trial.rotate(shop.person, endpoint)
        valid_until = datetime.fromisoformat(rotated["previous_valid_until"])
        assert abs(valid_until - trial.clock() - timedelta(hours=24)) < timedelta(seconds=5)
        secrets.append(rotated["secret"])
    good = []
    for run, shift in enumerate((-23, 0, 2)):
        trial.clock.shift = timedelta(hours=shift)
        await trial.deliver(endpoint, event, run=run)
        got = receiver.requests[-1]
        good.append([number for number, secret in enumerate(secrets) if is_signed_by(secret, got)])
        assert len(got.headers["webhook-signature"].split()) == len(good[-1])
    assert good == [[0, 1, 2], [1, 2], [2]]


async def test_library_verifies_either_secret_after_a_rotation(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    new = (await trial.rotate(shop.person, endpoint))["secret"]
    await trial.deliver(endpoint, event)
    (got,) = receiver.requests
    for secret in (endpoint.secret, new):
        assert Webhook(secret).verify(got.body, got.headers)["data"] == booking


def is_signed_by(secret: str, got: Received) -> bool:
    """Return whether any of the signatures is by this secret, regardless of age: computed from the specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return wanted in got.headers["webhook-signature"].split()


async def test_endpoints_receive_the_events_of_their_owner_and_types(trial: Trial, receiver: Receiver) -> None:
    shop, customer, booking = await trial.booked()
    other = await barber(trial.http, trial.container)
    boss = await create_admin(trial.http, trial.container)
    all_of_mine = await trial.endpoint(shop.person, receiver.url)
    some = await trial.endpoint(shop.person, receiver.url, types=["booking.accepted"])
    disabled = await trial.endpoint(shop.person, receiver.url, enabled=False)
    others = await trial.endpoint(other.person, receiver.url)
    platform = await trial.endpoint(boss, receiver.url)
    new_people = await trial.endpoint(boss, receiver.url, types=["account.registered"])
    await move(trial.http, shop.auth, booking, "accept")
    requested, accepted = await trial.events(booking)
    accounts = [registered(customer), registered(shop.person)]
    review = reviewed(booking)
    await trial.container.get(Subscribers)["webhooks"].handle([requested, accepted, *accounts, review])

    for person, endpoint, wanted in (
        (shop.person, all_of_mine, [requested, accepted, review]),
        (shop.person, some, [accepted]),
        (shop.person, disabled, []),
        (other.person, others, []),
        (boss, platform, [requested, accepted, *accounts, review]),
        (boss, new_people, accounts),
    ):
        told = [one["event_id"] for one in await trial.log(person, endpoint)]
        assert sorted(told) == sorted(str(event.id) for event in wanted)
    await trial.deliver(new_people, accounts[0])
    told_of = Webhook(new_people.secret).verify(receiver.requests[-1].body, receiver.requests[-1].headers)
    assert told_of["data"] == {"user_id": str(customer.id), "version": 1}
    await trial.deliver(all_of_mine, review)
    told_of = Webhook(all_of_mine.secret).verify(receiver.requests[-1].body, receiver.requests[-1].headers)
    assert told_of["data"] == {"booking_id": booking["id"], "version": 1}


async def test_repeated_event_adds_no_second_delivery_or_job(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    job_id = f"{event.id}:webhook:{endpoint.id}"
    job, before = await trial.container.get(JobQueue).find(job_id), await trial.stored(endpoint, event)
    assert job is not None
    await trial.follow(booking)
    await trial.container.get(Subscribers)["webhooks"].handle([event, event])
    assert await trial.container.get(JobQueue).find(job_id) == job
    assert await trial.stored(endpoint, event) == before
    assert await trial.container.database["jobs"].count_documents({"payload.endpoint_id": str(endpoint.id)}) == 1


async def test_event_without_history_entry_is_skipped(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.events(booking)
    later = msgspec.structs.replace(event, id=new_id(), version=2)
    nobodys = msgspec.structs.replace(event, id=new_id(), subject_id=new_id())
    await trial.container.get(Subscribers)["webhooks"].handle([later, nobodys, event])
    assert [one["event_id"] for one in await trial.log(shop.person, endpoint)] == [str(event.id)]


async def test_attempts_send_the_same_bytes(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    receiver.behaviours = [answering(500)] * 2
    for tries in (0, 1):
        trial.clock.shift = timedelta(seconds=tries * 5)
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event)
        await move(trial.http, shop.auth, booking, "accept")
    await trial.deliver(endpoint, event)
    assert len({got.body for got in receiver.requests}) == 1
    assert len({got.headers["webhook-id"] for got in receiver.requests}) == 1
    first, second, third = (int(got.headers["webhook-timestamp"]) for got in receiver.requests)
    assert first + 5 <= second <= third


async def test_delivered_webhook_is_not_sent_again(trial: Trial, receiver: Receiver) -> None:
    """Covers a worker that dies between the response and the end of its job."""
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    for _ in range(2):
        await trial.deliver(endpoint, event)
    assert len(receiver.requests) == 1


async def test_change_reaches_the_receiver(trial: Trial, receiver: Receiver) -> None:
    """Uses the real relay and worker, with one delivery that its receiver postpones."""
    for left_by_other_tests in ("jobs", "webhook_endpoints"):
        await trial.container.database[left_by_other_tests].delete_many({})
    receiver.behaviours = [answering(429, Retry_After="5")]
    worker = asyncio.create_task(work(trial.container, HANDLERS))
    try:
        shop, customer = await barber(trial.http, trial.container), await register(trial.http)
        endpoint = await trial.endpoint(shop.person, receiver.url)
        booking = await book(trial.http, customer, shop, tomorrow(9))
        await move(trial.http, shop.auth, booking, "accept")

        async def all_there() -> bool:
            return [one["state"] for one in await trial.log(shop.person, endpoint)] == ["delivered"] * 2

        await until(all_there)
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
    assert sorted(len(one["attempts"]) for one in await trial.log(shop.person, endpoint)) == [1, 2]
    told = [Webhook(endpoint.secret).verify(got.body, got.headers)["type"] for got in receiver.requests]
    assert set(told) == {"booking.requested", "booking.accepted"}


async def test_customers_have_no_endpoints(trial: Trial) -> None:
    person = await register(trial.http)
    made = await trial.http.post("/v1/webhooks/endpoints", json={"url": "https://example.com"}, headers=person.auth)
    assert (made.status_code, made.json()["code"]) == (403, "forbidden")


async def test_pending_delivery_goes_to_the_new_url(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    receiver.behaviours = [answering(500)]
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event)
    here = f"/v1/webhooks/endpoints/{endpoint.id}"
    changed = await trial.http.put(here, json={"url": f"{receiver.url}&new=1"}, headers=shop.auth)
    assert changed.json()["failing_since"] is None
    await trial.deliver(endpoint, event)
    assert [got.target for got in receiver.requests] == ["/hooks?from=grome", "/hooks?from=grome&new=1"]
