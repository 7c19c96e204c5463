"""From an event to what lies in mailboxes and on phones: once, on the ways that people chose."""

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
from tests.conftest import SetClock
from tests.notifications.booking_notices import a_visit, choose, events_of, log_of, moved, put_token, with_device
from tests.notifications.recorders import Desk, OutageError, kind_of


async def test_both_sides_hear_of_a_request_and_the_customer_of_the_answer(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    assert await desk.hear(*await events_of(container, booking)) == []
    accepted = await moved(http, container, shop.auth, booking, "accept")
    assert await desk.hear(accepted) == []
    assert desk.mailbox.to(customer.email) == ["booking_requested", "booking_accepted"]
    assert desk.mailbox.to(shop.person.email) == ["booking_requested"]
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("sent", None)
    assert (await log_of(http, customer))["booking_accepted", "push"] == ("suppressed", "no_address")
    told = desk.mailbox.mails[-1]
    assert told.message_id == f"{accepted.id}.booking_accepted.{customer.id}"
    assert told.at == accepted.at
    assert "Zoë" in told.rendered.text
    assert "A chair" in told.rendered.text
    assert f"https://grome.example/bookings/{booking['id']}" in told.rendered.text


async def test_a_booking_that_needs_no_answer_is_told_as_accepted(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container, auto_accept=True)
    assert await desk.hear(*await events_of(container, booking)) == []
    told = {mail.to: mail.rendered.title for mail in desk.mailbox.mails}
    texts = TRANSLATIONS["en"].messages
    assert told == {
        customer.email: texts["booking_accepted-customer"].title,
        shop.person.email: texts["booking_accepted-barber"].title,
    }


async def test_a_visit_ends_with_a_receipt_and_an_ask_for_a_review(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    for action in ("accept", "start", "complete"):
        event = await moved(http, container, shop.auth, booking, action)
    assert await desk.hear(event) == []
    assert desk.mailbox.to(customer.email) == ["receipt", "review_request"]
    assert desk.mailbox.to(shop.person.email) == []


async def test_what_was_done_is_not_done_again(http: httpx.AsyncClient, container: Container, desk: Desk) -> None:
    """A relay that starts over, and workers that died before they could say that a job was done."""
    customer, shop, booking = await a_visit(http, container)
    events = await events_of(container, booking)
    await desk.hear(*events)
    before, jobs = list(desk.mailbox.mails), dict(desk.jobs.added)
    desk.done.clear()
    assert await desk.hear(*events) == []
    assert desk.mailbox.mails == before
    assert desk.jobs.added == jobs
    assert len(desk.mailbox.to(customer.email)) == len(desk.mailbox.to(shop.person.email)) == 1


async def test_a_way_that_fails_does_not_repeat_the_other(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    phone = new_phone()
    await container.database["users"].update_one(
        {"_id": customer.id}, {"$set": {"phone": phone, "phone_verified": True}}
    )
    await choose(http, customer, notifications={"sms": True})
    desk.texts.failures = [OutageError(), OutageError()]
    raised = await desk.hear(await moved(http, container, shop.auth, booking, "accept"))
    raised += await desk.work()
    assert [type(error) for error in raised] == [OutageError, OutageError]
    assert (await log_of(http, customer))["booking_accepted", "sms"] == ("failed", None)
    assert await desk.work() == []
    assert desk.mailbox.to(customer.email) == desk.texts.to(phone) == ["booking_accepted"]
    assert (await log_of(http, customer))["booking_accepted", "sms"] == ("sent", None)


async def test_preferences_of_the_moment_count(http: httpx.AsyncClient, container: Container, desk: Desk) -> None:
    customer, shop, booking = await a_visit(http, container)
    accepted = await moved(http, container, shop.auth, booking, "accept")
    await desk.planner.handle([accepted])
    await choose(http, customer, notifications={"email": False}, language="ja")
    await desk.work()
    assert desk.mailbox.to(customer.email) == []
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("suppressed", "preference")

    await choose(http, customer, notifications={"email": True}, timezone="Asia/Tokyo")
    cancelled = await moved(http, container, shop.auth, booking, "cancel")
    await desk.hear(cancelled)
    told = desk.mailbox.mails[-1]
    assert told.language == "ja"
    assert told.rendered.title == TRANSLATIONS["ja"].messages["booking_cancelled-customer"].title


async def test_what_was_switched_off_while_it_waited_is_not_sent(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    desk.mailbox.failures = [OutageError()]
    await desk.hear(await moved(http, container, shop.auth, booking, "accept"))
    await choose(http, customer, notifications={"email": False})
    assert await desk.work() == []
    assert desk.mailbox.to(customer.email) == []
    assert (await log_of(http, customer))["booking_accepted", "email"] == ("suppressed", "preference")


class TestQuietHours:
    @pytest.fixture
    async def sleeper(self, http: httpx.AsyncClient, container: Container) -> Person:
        """Asleep for the next three hours, with a phone."""
        person, _ = await with_device(http, f"token-{new_id()}")
        now = container.clock()
        hours = {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=3):%H:%M}"}
        await choose(http, person, quiet_hours=hours)
        return person

    async def test_push_waits_and_mail_does_not(
        self, http: httpx.AsyncClient, container: Container, desk: Desk, sleeper: Person, clock: SetClock
    ) -> None:
        accepted = await self._accepted_for(http, container, sleeper)
        await desk.hear(accepted)
        assert desk.mailbox.to(sleeper.email) == ["booking_accepted"]
        assert desk.phones.pushes == []
        due_at = desk.waiting()["push"]
        assert due_at is not None
        assert timedelta(hours=2, minutes=58) < due_at - container.clock() <= timedelta(hours=3)

        errand = next(job for job in desk.jobs.added.values() if job.due_at)
        with pytest.raises(RetryLaterError) as later:  # a worker that comes too early
            await desk.run(errand)
        assert abs(later.value.seconds - (due_at - container.clock()).total_seconds()) < 5

        clock.set(due_at + timedelta(seconds=1))
        assert await desk.work(at=container.clock()) == []
        assert [kind_of(push.id) for _, push in desk.phones.pushes] == ["booking_accepted"]

    async def test_what_came_later_overtakes_what_waited(
        self, http: httpx.AsyncClient, container: Container, desk: Desk, sleeper: Person, clock: SetClock
    ) -> None:
        accepted = await self._accepted_for(http, container, sleeper)
        await desk.hear(accepted)
        booking = {"id": str(accepted.subject_id)}
        assert (await move(http, sleeper.auth, booking, "cancel")).status_code == 200
        due_at = desk.waiting()["push"]
        assert due_at is not None
        assert due_at - accepted.at > STALE_AFTER
        clock.set(due_at + timedelta(seconds=1))
        assert await desk.work(at=container.clock()) == []
        assert desk.phones.pushes == []
        entry = await container.get(NotificationLog).find(self._errand(desk))
        assert entry is not None
        assert (entry.state, entry.why) == ("suppressed", "outdated")

    async def test_a_new_device_wakes(
        self, http: httpx.AsyncClient, container: Container, desk: Desk, sleeper: Person
    ) -> None:
        await desk.hear(await signed_in_elsewhere(http, container, sleeper))
        assert desk.mailbox.to(sleeper.email) == ["new_device"]
        assert [kind_of(push.id) for _, push in desk.phones.pushes] == ["new_device"]

    async def _accepted_for(self, http: httpx.AsyncClient, container: Container, customer: Person) -> Event:
        _, shop, other = await a_visit(http, container)
        stored = await container.database["bookings"].find_one({"_id": UUID(other["id"])})
        assert stored is not None
        await container.database["bookings"].update_one(
            {"_id": stored["_id"]}, {"$set": {"customer_id": customer.id, "ticks": stored["ticks"]}}
        )
        return await moved(http, container, shop.auth, other, "accept")

    def _errand(self, desk: Desk) -> ChannelDelivery:
        (job,) = [job for job in desk.jobs.added.values() if job.kind.name == "push"]
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
    async def test_the_same_news_of_two_events_is_told_once(
        self, http: httpx.AsyncClient, container: Container, desk: Desk, clock: SetClock
    ) -> None:
        customer, shop, booking = await a_visit(http, container)
        accepted = await moved(http, container, shop.auth, booking, "accept")
        again = msgspec.structs.replace(accepted, id=new_id())
        assert await desk.hear(accepted, again) == []
        assert desk.mailbox.to(customer.email) == ["booking_accepted"]
        why = [item["why"] for item in await self._mails(http, customer)]
        assert sorted(why, key=str) == [None, "dedupe"]

        clock.shift += timedelta(minutes=11)
        assert await desk.hear(msgspec.structs.replace(accepted, id=new_id())) == []
        assert desk.mailbox.to(customer.email) == ["booking_accepted"] * 2

    async def test_of_many_at_once_one_is_sent(self, http: httpx.AsyncClient, container: Container, desk: Desk) -> None:
        customer, shop, booking = await a_visit(http, container)
        accepted = await moved(http, container, shop.auth, booking, "accept")
        await desk.planner.handle([msgspec.structs.replace(accepted, id=new_id()) for _ in range(12)])
        for _ in range(2):  # the decisions, then the mails
            waiting = [job for job in desk.jobs.added.values() if job.id not in desk.done]
            desk.done |= {job.id for job in waiting}
            await asyncio.gather(*(desk.run(job) for job in waiting))
        assert desk.mailbox.to(customer.email) == ["booking_accepted"]
        states = [item["state"] for item in await self._mails(http, customer)]
        assert sorted(states) == ["sent"] + ["suppressed"] * 11

    async def test_what_failed_leaves_it_to_the_next(
        self, http: httpx.AsyncClient, container: Container, desk: Desk
    ) -> None:
        customer, shop, booking = await a_visit(http, container)
        accepted = await moved(http, container, shop.auth, booking, "accept")
        desk.mailbox.failures = [OutageError()]
        assert len(await desk.hear(accepted)) == 1
        assert await desk.hear(msgspec.structs.replace(accepted, id=new_id())) == []
        assert desk.mailbox.to(customer.email) == ["booking_accepted"]

    async def test_every_new_device_is_news(self, http: httpx.AsyncClient, container: Container, desk: Desk) -> None:
        person = await register(http)
        for _ in range(2):
            assert await desk.hear(await signed_in_elsewhere(http, container, person)) == []
        assert desk.mailbox.to(person.email) == ["new_device"] * 2

    async def _mails(self, http: httpx.AsyncClient, person: Person) -> list[dict[str, str | None]]:
        listed = (await http.get("/v1/me/notifications", headers=person.auth)).json()["items"]
        return [item for item in listed if (item["channel"], item["kind"]) == ("email", "booking_accepted")]


async def test_an_address_that_refused_for_good_is_left_alone(
    http: httpx.AsyncClient, container: Container, desk: Desk
) -> None:
    customer, shop, booking = await a_visit(http, container)
    desk.mailbox.failures = [UndeliverableError("550 no such user")]
    raised = await desk.hear(await moved(http, container, shop.auth, booking, "accept"))
    assert [type(error) for error in raised] == [UndeliverableError]
    dead = desk.jobs.added.keys() - desk.done
    desk.done |= dead
    assert await desk.hear(await moved(http, container, shop.auth, booking, "cancel")) == []
    assert desk.mailbox.to(customer.email) == []
    log = await log_of(http, customer)
    assert log["booking_accepted", "email"] == ("failed", "refused")
    assert log["booking_cancelled", "email"] == ("suppressed", "bounced")

    assert await desk.hear(await signed_in_elsewhere(http, container, customer)) == []
    desk.done -= dead  # an operator lets it be tried again
    assert await desk.work() == []
    assert desk.mailbox.to(customer.email) == ["new_device", "booking_accepted"]


class TestPush:
    async def test_each_device_once_and_gone_tokens_are_forgotten(
        self, http: httpx.AsyncClient, container: Container, desk: Desk
    ) -> None:
        names = {kind: f"{kind}-{new_id()}" for kind in ("good", "down", "gone")}
        person, _ = await with_device(http, names["good"])
        for name in ("down", "gone"):
            await self._sign_in_and_put(http, person, names[name])
        event = await signed_in_elsewhere(http, container, person)
        assert [type(error) for error in await desk.hear(event)] == [OutageError]
        assert desk.phones.on(names["good"]) == ["new_device"]
        assert (await log_of(http, person))["new_device", "push"] == ("failed", None)

        desk.phones.is_down = False
        assert await desk.work() == []
        assert desk.phones.on(names["good"]) == desk.phones.on(names["down"]) == ["new_device"]
        assert (await log_of(http, person))["new_device", "push"] == ("sent", None)
        assert await container.database["push_devices"].find_one({"token": names["gone"]}) is None
        assert desk.phones.pushes[0][1].data["kind"] == "new_device"

    async def test_a_device_that_is_logged_out_gets_none(
        self, http: httpx.AsyncClient, container: Container, desk: Desk
    ) -> None:
        token = f"token-{new_id()}"
        person, _ = await with_device(http, token)
        event = await signed_in_elsewhere(http, container, person)
        assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
        assert await desk.hear(event) == []
        assert desk.phones.on(token) == []
        assert desk.mailbox.to(person.email) == ["new_device"]

    async def test_when_all_are_gone_nothing_was_sent(
        self, http: httpx.AsyncClient, container: Container, desk: Desk
    ) -> None:
        person, _ = await with_device(http, f"gone-{new_id()}")
        assert await desk.hear(await signed_in_elsewhere(http, container, person)) == []
        assert (await log_of(http, person))["new_device", "push"] == ("suppressed", "no_address")

    async def _sign_in_and_put(self, http: httpx.AsyncClient, person: Person, token: str) -> None:
        device_id = new_id()
        given = {"email": person.email, "password": "correct horse battery", "device": {"id": str(device_id)}}
        assert (await http.post("/v1/auth/login", json=given)).status_code == 200
        await put_token(http, person, device_id, token)


async def test_an_account_without_an_email_hears_of_a_new_device_by_text(
    http: httpx.AsyncClient, container: Container, desk: Desk
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
    assert await desk.hear(event) == []
    assert desk.texts.to(phone) == ["new_device"]


async def test_who_is_gone_is_told_nothing(http: httpx.AsyncClient, container: Container, desk: Desk) -> None:
    customer, _, booking = await a_visit(http, container)
    events = await events_of(container, booking)
    nobody = msgspec.structs.replace(events[0], people=(new_id(), new_id()))
    no_booking = msgspec.structs.replace(events[0], id=new_id(), subject_id=new_id())
    assert await desk.hear(nobody, no_booking) == []
    assert desk.mailbox.to(customer.email) == []
