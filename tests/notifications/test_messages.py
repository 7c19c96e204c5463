"""Test messages from the event to the transports: once, on the channels of the preferences."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError
from grome.infrastructure.outbox.models import Event
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.models import ChannelDelivery
from grome.notifications.relevance import STALE_AFTER
from grome.notifications.translations import TRANSLATIONS
from tests.builders.bookings import move
from tests.builders.people import Person, new_phone, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import (
    events_of,
    log_of,
    perform,
    put_token,
    register_with_device,
    request_visit,
    set_preferences,
)
from tests.notifications.recorders import OutageError, Pipeline, kind_of


async def test_request_notifies_both_sides_and_acceptance_the_customer(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    assert await pipeline.handle(*await events_of(container, booking)) == []
    accepted = await perform(http, container, shop.auth, booking, "accept")
    assert await pipeline.handle(accepted) == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["booking_requested", "booking_accepted"]
    assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_requested"]
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("sent", None)
    assert (await log_of(http, customer))["booking_accepted", "push"] == ("suppressed", "no_address")
    told = pipeline.mailbox.mails[-1]
    assert told.message_id == f"{accepted.id}.booking_accepted.{customer.id}"
    assert told.at == accepted.at
    assert "Zoë" in told.rendered.text
    assert "A chair" in told.rendered.text
    assert f"https://grome.example/bookings/{booking['id']}" in told.rendered.text


async def test_automatically_accepted_booking_is_announced_as_accepted(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container, auto_accept=True)
    assert await pipeline.handle(*await events_of(container, booking)) == []
    told = {mail.to: mail.rendered.title for mail in pipeline.mailbox.mails}
    texts = TRANSLATIONS["en"].messages
    assert told == {
        customer.email: texts["booking_accepted-customer"].title,
        shop.person.email: texts["booking_accepted-barber"].title,
    }


async def test_completed_visit_sends_receipt_and_review_request(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    for action in ("accept", "start", "complete"):
        event = await perform(http, container, shop.auth, booking, action)
    assert await pipeline.handle(event) == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["receipt", "review_request"]
    assert pipeline.mailbox.kinds_to(shop.person.email) == []


async def test_repeated_jobs_send_nothing_twice(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    """Covers a relay that starts over, and workers that died before completing their job."""
    customer, shop, booking = await request_visit(http, container)
    events = await events_of(container, booking)
    await pipeline.handle(*events)
    before, jobs = list(pipeline.mailbox.mails), dict(pipeline.jobs.added)
    pipeline.done.clear()
    assert await pipeline.handle(*events) == []
    assert pipeline.mailbox.mails == before
    assert pipeline.jobs.added == jobs
    assert len(pipeline.mailbox.kinds_to(customer.email)) == len(pipeline.mailbox.kinds_to(shop.person.email)) == 1


async def test_failing_channel_does_not_repeat_another(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    phone = new_phone()
    await container.database["users"].update_one(
        {"_id": customer.id}, {"$set": {"phone": phone, "phone_verified": True}}
    )
    await set_preferences(http, customer, notifications={"sms": True})
    pipeline.texts.failures = [OutageError(), OutageError()]
    raised = await pipeline.handle(await perform(http, container, shop.auth, booking, "accept"))
    raised += await pipeline.run_jobs()
    assert [type(error) for error in raised] == [OutageError, OutageError]
    assert (await log_of(http, customer))["booking_accepted", "sms"] == ("failed", None)
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == pipeline.texts.kinds_to(phone) == ["booking_accepted"]
    assert (await log_of(http, customer))["booking_accepted", "sms"] == ("sent", None)


async def test_preferences_at_sending_time_apply(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    accepted = await perform(http, container, shop.auth, booking, "accept")
    await pipeline.planner.handle([accepted])
    await set_preferences(http, customer, notifications={"email": False}, language="ja")
    await pipeline.run_jobs()
    assert pipeline.mailbox.kinds_to(customer.email) == []
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("suppressed", "preference")

    await set_preferences(http, customer, notifications={"email": True}, timezone="Asia/Tokyo")
    cancelled = await perform(http, container, shop.auth, booking, "cancel")
    await pipeline.handle(cancelled)
    told = pipeline.mailbox.mails[-1]
    assert told.language == "ja"
    assert told.rendered.title == TRANSLATIONS["ja"].messages["booking_cancelled-customer"].title


async def test_channel_turned_off_during_quiet_hours_gets_nothing(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    pipeline.mailbox.failures = [OutageError()]
    await pipeline.handle(await perform(http, container, shop.auth, booking, "accept"))
    await set_preferences(http, customer, notifications={"email": False})
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == []
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("suppressed", "preference")


class TestQuietHours:
    @pytest.fixture
    async def sleeper(self, http: httpx.AsyncClient, container: Container) -> Person:
        """Register a customer with a phone and quiet hours for the next three hours."""
        person, _ = await register_with_device(http, f"token-{new_id()}")
        now = container.clock()
        hours = {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=3):%H:%M}"}
        await set_preferences(http, person, quiet_hours=hours)
        return person

    async def test_push_in_quiet_hours_waits_and_mail_does_not(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline, sleeper: Person, clock: AdjustableClock
    ) -> None:
        accepted = await self._accepted_for(http, container, sleeper)
        await pipeline.handle(accepted)
        assert pipeline.mailbox.kinds_to(sleeper.email) == ["booking_accepted"]
        assert pipeline.phones.pushes == []
        due_at = pipeline.waiting()["push"]
        assert due_at is not None
        assert timedelta(hours=2, minutes=58) < due_at - container.clock() <= timedelta(hours=3)

        push = next(job for job in pipeline.jobs.added.values() if job.due_at)
        with pytest.raises(RetryLaterError) as later:  # a worker that comes too early
            await pipeline.run_job(push)
        assert abs(later.value.seconds - (due_at - container.clock()).total_seconds()) < 5

        clock.set(due_at + timedelta(seconds=1))
        assert await pipeline.run_jobs(at=container.clock()) == []
        assert [kind_of(push.id) for _, push in pipeline.phones.pushes] == ["booking_accepted"]

    async def test_waiting_push_is_dropped_after_a_later_change(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline, sleeper: Person, clock: AdjustableClock
    ) -> None:
        accepted = await self._accepted_for(http, container, sleeper)
        await pipeline.handle(accepted)
        booking = {"id": str(accepted.subject_id)}
        assert (await move(http, sleeper.auth, booking, "cancel")).status_code == 200
        due_at = pipeline.waiting()["push"]
        assert due_at is not None
        assert due_at - accepted.at > STALE_AFTER
        clock.set(due_at + timedelta(seconds=1))
        assert await pipeline.run_jobs(at=container.clock()) == []
        assert pipeline.phones.pushes == []
        entry = await container.get(NotificationLog).find(self._push_delivery(pipeline))
        assert entry is not None
        assert (entry.state, entry.why) == ("suppressed", "outdated")

    async def test_new_device_message_ignores_quiet_hours(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline, sleeper: Person
    ) -> None:
        await pipeline.handle(await signed_in_elsewhere(http, container, sleeper))
        assert pipeline.mailbox.kinds_to(sleeper.email) == ["new_device"]
        assert [kind_of(push.id) for _, push in pipeline.phones.pushes] == ["new_device"]

    async def _accepted_for(self, http: httpx.AsyncClient, container: Container, customer: Person) -> Event:
        _, shop, other = await request_visit(http, container)
        stored = await container.database["bookings"].find_one({"_id": UUID(other["id"])})
        assert stored is not None
        await container.database["bookings"].update_one(
            {"_id": stored["_id"]}, {"$set": {"customer_id": customer.id, "ticks": stored["ticks"]}}
        )
        return await perform(http, container, shop.auth, other, "accept")

    def _push_delivery(self, pipeline: Pipeline) -> ChannelDelivery:
        (job,) = [job for job in pipeline.jobs.added.values() if job.kind.name == "push"]
        return msgspec.convert(job.payload, ChannelDelivery)


async def signed_in_elsewhere(http: httpx.AsyncClient, container: Container, person: Person) -> Event:
    given = {"email": person.email, "password": "correct horse battery"}
    device = {"id": str(new_id()), "name": "Tablet"}
    assert (await http.post("/v1/auth/login", json={**given, "device": device})).status_code == 200
    session = await container.database["sessions"].find_one({"user_id": person.id, "device.id": device["id"]})
    assert session is not None
    notice = session["notice"]
    return Event(
        id=notice["id"], type=notice["type"], at=notice["at"], subject_id=person.id, version=1, people=(person.id,)
    )


class TestOnce:
    async def test_equal_messages_of_two_events_are_sent_once(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        customer, shop, booking = await request_visit(http, container)
        accepted = await perform(http, container, shop.auth, booking, "accept")
        again = msgspec.structs.replace(accepted, id=new_id())
        assert await pipeline.handle(accepted, again) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_accepted"]
        why = [item["why"] for item in await self._mails(http, customer)]
        assert sorted(why, key=str) == [None, "dedupe"]

        clock.shift += timedelta(minutes=11)
        assert await pipeline.handle(msgspec.structs.replace(accepted, id=new_id())) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_accepted"] * 2

    async def test_concurrent_equal_messages_send_one(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        customer, shop, booking = await request_visit(http, container)
        accepted = await perform(http, container, shop.auth, booking, "accept")
        await pipeline.planner.handle([msgspec.structs.replace(accepted, id=new_id()) for _ in range(12)])
        for _ in range(2):  # the decisions, then the mails
            waiting = [job for job in pipeline.jobs.added.values() if job.id not in pipeline.done]
            pipeline.done |= {job.id for job in waiting}
            await asyncio.gather(*(pipeline.run_job(job) for job in waiting))
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_accepted"]
        states = [item["state"] for item in await self._mails(http, customer)]
        assert sorted(states) == ["sent"] + ["suppressed"] * 11

    async def test_failed_message_releases_its_claim(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        customer, shop, booking = await request_visit(http, container)
        accepted = await perform(http, container, shop.auth, booking, "accept")
        pipeline.mailbox.failures = [OutageError()]
        assert len(await pipeline.handle(accepted)) == 1
        assert await pipeline.handle(msgspec.structs.replace(accepted, id=new_id())) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_accepted"]

    async def test_each_new_device_sends_a_message(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        person = await register(http)
        for _ in range(2):
            assert await pipeline.handle(await signed_in_elsewhere(http, container, person)) == []
        assert pipeline.mailbox.kinds_to(person.email) == ["new_device"] * 2

    async def _mails(self, http: httpx.AsyncClient, person: Person) -> list[dict[str, str | None]]:
        listed = (await http.get("/v1/me/notifications", headers=person.auth)).json()["items"]
        return [item for item in listed if (item["channel"], item["kind"]) == ("email", "booking_accepted")]


async def test_bounced_address_gets_security_messages_only(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    pipeline.mailbox.failures = [UndeliverableError("550 no such user")]
    raised = await pipeline.handle(await perform(http, container, shop.auth, booking, "accept"))
    assert [type(error) for error in raised] == [UndeliverableError]
    dead = pipeline.jobs.added.keys() - pipeline.done
    pipeline.done |= dead
    assert await pipeline.handle(await perform(http, container, shop.auth, booking, "cancel")) == []
    assert pipeline.mailbox.kinds_to(customer.email) == []
    log = await log_of(http, customer)
    assert log["booking_accepted", "email"] == ("failed", "refused")
    assert log["booking_cancelled", "email"] == ("suppressed", "bounced")

    assert await pipeline.handle(await signed_in_elsewhere(http, container, customer)) == []
    pipeline.done -= dead  # an operator lets it be tried again
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["new_device", "booking_accepted"]


class TestPush:
    async def test_push_reaches_each_device_once_and_deletes_gone_tokens(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        names = {kind: f"{kind}-{new_id()}" for kind in ("good", "down", "gone")}
        person, _ = await register_with_device(http, names["good"])
        for name in ("down", "gone"):
            await self._sign_in_and_put(http, person, names[name])
        event = await signed_in_elsewhere(http, container, person)
        assert [type(error) for error in await pipeline.handle(event)] == [OutageError]
        assert pipeline.phones.kinds_on(names["good"]) == ["new_device"]
        assert (await log_of(http, person))["new_device", "push"] == ("failed", None)

        pipeline.phones.is_down = False
        assert await pipeline.run_jobs() == []
        assert pipeline.phones.kinds_on(names["good"]) == pipeline.phones.kinds_on(names["down"]) == ["new_device"]
        assert (await log_of(http, person))["new_device", "push"] == ("sent", None)
        assert await container.database["push_devices"].find_one({"token": names["gone"]}) is None
        assert pipeline.phones.pushes[0][1].data["kind"] == "new_device"

    async def test_push_skips_signed_out_devices(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        token = f"token-{new_id()}"
        person, _ = await register_with_device(http, token)
        event = await signed_in_elsewhere(http, container, person)
        assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
        assert await pipeline.handle(event) == []
        assert pipeline.phones.kinds_on(token) == []
        assert pipeline.mailbox.kinds_to(person.email) == ["new_device"]

    async def test_push_with_only_gone_tokens_is_suppressed(
        self, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
    ) -> None:
        person, _ = await register_with_device(http, f"gone-{new_id()}")
        assert await pipeline.handle(await signed_in_elsewhere(http, container, person)) == []
        assert (await log_of(http, person))["new_device", "push"] == ("suppressed", "no_address")

    async def _sign_in_and_put(self, http: httpx.AsyncClient, person: Person, token: str) -> None:
        device_id = new_id()
        given = {"email": person.email, "password": "correct horse battery", "device": {"id": str(device_id)}}
        assert (await http.post("/v1/auth/login", json=given)).status_code == 200
        await put_token(http, person, device_id, token)


async def test_account_without_email_gets_security_by_sms(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    person = await register(http, email=None, phone=(phone := new_phone()))
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"phone_verified": True}})
    device = {"id": "elsewhere", "platform": "ios"}
    given = {"phone": phone, "password": "correct horse battery", "device": device}
    assert (await http.post("/v1/auth/login", json=given)).status_code == 200
    session = await container.database["sessions"].find_one({"user_id": person.id, "device.id": "elsewhere"})
    assert session is not None
    notice = session["notice"]
    event = Event(
        id=notice["id"], type=notice["type"], at=notice["at"], subject_id=person.id, version=1, people=(person.id,)
    )
    assert await pipeline.handle(event) == []
    assert pipeline.texts.kinds_to(phone) == ["new_device"]


async def test_deleted_account_gets_nothing(http: httpx.AsyncClient, container: Container, pipeline: Pipeline) -> None:
    customer, _, booking = await request_visit(http, container)
    events = await events_of(container, booking)
    nobody = msgspec.structs.replace(events[0], people=(new_id(), new_id()))
    no_booking = msgspec.structs.replace(events[0], id=new_id(), subject_id=new_id())
    assert await pipeline.handle(nobody, no_booking) == []
    assert pipeline.mailbox.kinds_to(customer.email) == []
