"""Test the consequences of an attempt: retries, waits, failure, and a disabled endpoint."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from grome.accounts.service import AccountService
from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError
from grome.infrastructure.outbox.models import Event
from grome.notifications.context_loader import ContextLoader
from grome.notifications.message_context import MessageContext
from grome.notifications.models import EndpointFacts, Notification
from grome.notifications.recipients import Recipient
from grome.webhooks.delivery import retry_wait_s
from grome.webhooks.errors import DeliveryError
from grome.webhooks.models import MIN_FAILURES, WEBHOOK, StoredSecret
from grome.webhooks.repository import EndpointRepository
from grome.webhooks.signing import SecretSealer
from tests.builders.keys import secret_keys
from tests.builders.people import Person
from tests.webhooks.receiver import Receiver, answering
from tests.webhooks.trial import Endpoint, Trial

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
HALF_A_DAY_S = 12 * 3_600


async def made(trial: Trial, receiver: Receiver) -> tuple[Person, Endpoint, Event]:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    (event,) = await trial.follow(booking)
    return shop.person, endpoint, event


async def another_endpoint(
    trial: Trial, owner: Person, receiver: Receiver, booking: dict[str, Any]
) -> tuple[Endpoint, Event]:
    """Return a new endpoint of the owner, and the event of the booking as its pending delivery."""
    endpoint = await trial.endpoint(owner, receiver.url)
    (event,) = await trial.follow(booking)
    return endpoint, event


def test_retries_are_seven_over_about_a_day() -> None:
    assert WEBHOOK.delays_s == (5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600)
    assert 16 * 3_600 < sum(WEBHOOK.delays_s) < 24 * 3_600
    assert WEBHOOK.timeout_s > 120  # the longest that a receiver can be given


async def test_success_status_marks_delivered(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    person = shop.person
    for status in (200, 201, 202, 204, 299):
        endpoint, event = await another_endpoint(trial, shop.person, receiver, booking)
        receiver.requests.clear()
        receiver.behaviours = [answering(status)]
        await trial.deliver(endpoint, event)
        (told,) = await trial.log(person, endpoint)
        assert (told["state"], told["attempts"][0]["status"], told["attempts"][0]["error"]) == (
            "delivered",
            status,
            None,
        )
        assert told["delivered_at"] == told["attempts"][0]["at"]


async def test_failure_status_is_retried(trial: Trial, receiver: Receiver) -> None:
    """Covers responses without Retry-After."""
    shop, _, booking = await trial.booked()
    person = shop.person
    for status in (301, 302, 304, 307, 400, 401, 404, 429, 500, 503, 599):
        endpoint, event = await another_endpoint(trial, shop.person, receiver, booking)
        receiver.requests.clear()
        receiver.behaviours = [answering(status, b"" if status == 304 else b"Sorry.", Location=receiver.url)]
        with pytest.raises(DeliveryError, match=f"answered {status}"):
            await trial.deliver(endpoint, event)
        (told,) = await trial.log(person, endpoint)
        assert (told["state"], told["attempts"][0]["status"]) == ("pending", status)
        assert told["attempts"][0]["answer"] == ("" if status == 304 else "Sorry.")
        assert len(receiver.requests) == 1
        assert (await trial.shown(person, endpoint))["failing_since"] == told["attempts"][0]["at"]
        await trial.deliver(endpoint, event)
        assert (await trial.shown(person, endpoint))["failing_since"] is None
        await trial.http.delete(f"/v1/webhooks/endpoints/{endpoint.id}", headers=person.auth)


async def test_delivery_after_the_last_try_has_failed(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(500)] * 7
    for tries in range(1, 8):
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event, last=tries == 7)
        (told,) = await trial.log(person, endpoint)
        assert (told["state"], len(told["attempts"])) == ("pending" if tries < 7 else "failed", tries)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_of_a_busy_receiver_is_used(trial: Trial, receiver: Receiver, status: int) -> None:
    _, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(status, Retry_After="120"), answering(status, Retry_After="soon")]
    with pytest.raises(RetryLaterError) as later:
        await trial.deliver(endpoint, event)
    assert later.value.seconds == 120
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event)


async def test_retry_after_of_other_statuses_is_ignored(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(500, Retry_After="120")]
    with pytest.raises(DeliveryError):
        await trial.deliver(endpoint, event)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 5),
        ("5", 5),
        ("90", 90),
        ("86400", HALF_A_DAY_S),
        ("9" * 400, HALF_A_DAY_S),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), 180),
        (format_datetime(NOW - timedelta(days=3), usegmt=True), 5),
        (format_datetime(NOW + timedelta(days=3), usegmt=True), HALF_A_DAY_S),
        ("Mon, 01 Mar 2027 12:01:00 -0000", 60),
        *((nothing, None) for nothing in ("", "-1", "1.5", "soon", "٣", "Mon, 99 Foo 2027 12:01:00 GMT", "inf")),
    ],
)
def test_retry_after_is_parsed(header: str, seconds: float | None) -> None:
    assert retry_wait_s(header, NOW) == seconds


@given(st.text(max_size=40))
def test_retry_after_of_any_text_is_bounded(header: str) -> None:
    seconds = retry_wait_s(header, NOW)
    assert seconds is None or 5 <= seconds <= HALF_A_DAY_S


async def test_status_410_disables_the_endpoint(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(410)]
    with pytest.raises(UndeliverableError):
        await trial.deliver(endpoint, event)
    shown = await trial.shown(person, endpoint)
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    assert [one["state"] for one in await trial.log(person, endpoint)] == ["failed"]
    await trial.deliver(endpoint, event)
    assert len(receiver.requests) == 1


async def test_pending_delivery_of_a_disabled_endpoint_has_failed(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    here = f"/v1/webhooks/endpoints/{endpoint.id}"
    await trial.http.put(here, json={"url": receiver.url, "enabled": False}, headers=person.auth)
    await trial.deliver(endpoint, event)
    (told,) = await trial.log(person, endpoint)
    assert (told["state"], told["attempts"], receiver.connections) == ("failed", [], 0)


async def fail(trial: Trial, endpoint: Endpoint, event: Event, receiver: Receiver, times: int = 1) -> None:
    receiver.behaviours = [answering(500)] * times
    for _ in range(times):
        with pytest.raises(DeliveryError):
            await trial.deliver(endpoint, event)


async def test_five_days_of_failures_disable_the_endpoint(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    for days, failures, enabled in ((-5.1, 1, True), (-0.2, MIN_FAILURES - 2, True), (0, 1, False)):
        trial.clock.shift = timedelta(days=days)
        await fail(trial, endpoint, event, receiver, failures)
        assert (await trial.shown(person, endpoint))["enabled"] is enabled
    shown = await trial.shown(person, endpoint)
    assert shown["disabled_reason"] == "failing"
    assert datetime.fromisoformat(shown["failing_since"]) < datetime.fromisoformat(shown["disabled_at"])

    here = f"/v1/webhooks/endpoints/{endpoint.id}"
    enabled_again = await trial.http.put(here, json={"url": receiver.url}, headers=person.auth)
    assert (enabled_again.json()["enabled"], enabled_again.json()["failing_since"]) == (True, None)
    await fail(trial, endpoint, event, receiver)
    assert (await trial.shown(person, endpoint))["enabled"]


async def test_few_failures_far_apart_do_not_disable_the_endpoint(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    for days in (-40, -34, -20, 0):
        trial.clock.shift = timedelta(days=days)
        await fail(trial, endpoint, event, receiver)
    assert (await trial.shown(person, endpoint))["enabled"]


async def test_many_failures_at_once_do_not_disable_the_endpoint(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    await fail(trial, endpoint, event, receiver, MIN_FAILURES + 2)
    assert (await trial.shown(person, endpoint))["enabled"]


async def messages_about(trial: Trial, endpoint: Endpoint) -> list[MessageContext | None]:
    """Return the messages that the owner would get now, by notification."""
    jobs = trial.container.database["jobs"].find({"kind": "notify", "payload.subject_id": str(endpoint.id)})
    notices = [convert(job["payload"], Notification) async for job in jobs.sort("_id", 1)]
    found = []
    for notice in notices:
        reader = await trial.container.get(AccountService).find(notice.user_id)
        assert reader is not None
        found.append(await trial.container.get(ContextLoader).find(notice, Recipient(reader, {})))
    return found


async def test_owner_is_warned_once_and_notified_of_the_disabling(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    trial.clock.shift = timedelta(days=-5.1)
    await fail(trial, endpoint, event, receiver, MIN_FAILURES)
    assert await messages_about(trial, endpoint) == []
    for _ in range(2):
        trial.clock.shift += timedelta(days=1.5)
        await fail(trial, endpoint, event, receiver)
        (warning,) = await messages_about(trial, endpoint)
        assert warning is not None
        assert isinstance(warning.facts, EndpointFacts)
        assert (warning.facts.is_disabled, warning.facts.host) == (False, "127.0.0.1")
        assert warning.facts.link == f"{trial.container.settings.http.app_base}/webhooks/{endpoint.id}"
    trial.clock.shift = timedelta()
    await fail(trial, endpoint, event, receiver)
    await trial.deliver(endpoint, event)  # as where a process dies in between: the same notice, and no second one
    stories = await messages_about(trial, endpoint)
    assert len(stories) == 2
    assert all(isinstance(story.facts, EndpointFacts) and story.facts.is_disabled for story in stories if story)


async def test_owner_is_not_notified_of_a_recovered_endpoint(trial: Trial, receiver: Receiver) -> None:
    _, endpoint, event = await made(trial, receiver)
    trial.clock.shift = timedelta(days=-2)
    await fail(trial, endpoint, event, receiver, MIN_FAILURES)
    trial.clock.shift = timedelta()
    await fail(trial, endpoint, event, receiver)
    await trial.deliver(endpoint, event)
    assert await messages_about(trial, endpoint) == [None]


async def test_single_success_in_five_days_keeps_the_endpoint(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    fails, works = answering(500), answering(200)
    receiver.behaviours = [fails, works, fails, fails]
    for run, days in enumerate((-5.1, -4, -3, 0)):
        trial.clock.shift = timedelta(days=days)
        try:
            await trial.deliver(endpoint, event, run=run)
        except DeliveryError:
            assert run != 1
    assert len(receiver.requests) == 4
    assert (await trial.shown(person, endpoint))["enabled"]


@pytest.mark.parametrize("gone", ["endpoint", "log"])
async def test_delivery_of_a_deleted_endpoint_is_not_sent(trial: Trial, receiver: Receiver, gone: str) -> None:
    person, endpoint, event = await made(trial, receiver)
    if gone == "endpoint":
        await trial.http.delete(f"/v1/webhooks/endpoints/{endpoint.id}", headers=person.auth)
        assert await trial.container.database["webhook_deliveries"].count_documents({"endpoint_id": endpoint.id}) == 0
    else:
        await trial.container.database["webhook_deliveries"].delete_many({"endpoint_id": endpoint.id})
    await trial.deliver(endpoint, event)
    assert receiver.connections == 0


async def test_lost_secrets_key_sends_nothing_unsigned(trial: Trial, receiver: Receiver) -> None:
    person, endpoint, event = await made(trial, receiver)
    endpoints = EndpointRepository(trial.container.database)
    stored = await endpoints.find({}, endpoint.id)
    assert stored is not None
    sealed = StoredSecret(SecretSealer(secret_keys()).seal(b"x" * 32, endpoint.id))
    assert await endpoints.replace_secrets(stored, [sealed])
    with pytest.raises(DeliveryError, match="rotate it"):
        await trial.deliver(endpoint, event)
    assert receiver.connections == 0
    await trial.rotate(person, endpoint)
    await trial.deliver(endpoint, event)
    assert len(receiver.requests[0].headers["webhook-signature"].split()) == 1


async def test_no_secret_and_no_url_is_logged(trial: Trial, receiver: Receiver, logged: Callable[[], str]) -> None:
    person, endpoint, event = await made(trial, receiver)
    receiver.behaviours = [answering(410)]
    with pytest.raises(UndeliverableError) as told:
        await trial.deliver(endpoint, event)
    rotated = (await trial.rotate(person, endpoint))["secret"]
    lines = logged() + str(told.value)
    assert str(endpoint.id) in lines
    for secret in (endpoint.secret, rotated, receiver.url, "from=grome"):
        assert secret not in lines
