"""What becomes of a visit's time, as those hear of it who did not do it; offers, tips, and what an end costs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.reschedule import Rescheduler
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event
from grome.notifications.email.message import Mail
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, offered, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import SetClock
from tests.notifications.booking_notices import a_visit, choose, events_of, moved, with_device
from tests.notifications.recorders import Desk

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEW, OTHER = tomorrow(12), tomorrow(14)
BERLIN = ZoneInfo("Europe/Berlin")
TERMS = {"cancellation": {"cancel_notice_min": 10_000, "late_refund_percent": 25, "no_show_refund_percent": 10}}


@pytest.fixture
def steps(http: httpx.AsyncClient, container: Container) -> "Steps":
    return Steps(http, container)


class Steps:
    """What people do to a booking, each time with the event that follows."""

    def __init__(self, http: httpx.AsyncClient, container: Container) -> None:
        self.http, self.container = http, container

    async def visit(self, *, is_accepted: bool = True, **rules: Any) -> tuple[Person, Barber, dict[str, Any]]:
        """Tomorrow at nine, and accepted by the barber unless the rules do that."""
        customer, shop, booking = await a_visit(self.http, self.container, **rules)
        if is_accepted and booking["status"] == "requested":
            await self.do(shop.auth, booking, "accept")
        return customer, shop, booking

    async def do(self, auth: dict[str, str], booking: dict[str, Any], action: str, **body: Any) -> Event:
        return await moved(self.http, self.container, auth, booking, action, **body)

    async def to(self, auth: dict[str, str], booking: dict[str, Any], start: datetime, **body: Any) -> Event:
        return await self.do(auth, booking, "reschedule", scheduled_at=start.isoformat(), **body)

    async def withdraw(self, auth: dict[str, str], booking: dict[str, Any]) -> Event:
        answer = await self.http.delete(f"/v1/bookings/{booking['id']}/proposal", headers=auth)
        assert answer.status_code == 200, answer.text
        return (await events_of(self.container, booking))[-1]


def last_to(desk: Desk, person: Person) -> Mail:
    return [mail for mail in desk.mailbox.mails if mail.to == person.email][-1]


def rows(mail: Mail) -> dict[str, str]:
    """Of the table, as its plain text has them."""
    lines = (line.partition(": ") for line in mail.rendered.text.splitlines())
    return {label: value.replace("\xa0", " ") for label, _, value in lines if value}


def clock_of(moment: datetime) -> str:
    """As it is in Berlin, in an English message."""
    return f"{moment.astimezone(BERLIN):%-I:%M %p}"


class TestMoved:
    async def test_whoever_did_not_do_it_reads_the_new_time_and_the_old(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        assert await desk.hear(await steps.to(customer.auth, booking, NEW, note="Sorry!")) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_changed"]
        assert desk.mailbox.to(customer.email) == []
        told = rows(last_to(desk, shop.person))
        assert told["Time"].startswith(clock_of(NEW))
        assert clock_of(tomorrow(9)) in told["Before"]
        assert told["Note"] == "Sorry!"

    async def test_there_and_back_is_news_each_time(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        for start in (NEW, OTHER, NEW):
            assert await desk.hear(await steps.to(customer.auth, booking, start)) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_changed"] * 3

    async def test_a_time_that_has_changed_again_is_not_told(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        first = await steps.to(customer.auth, booking, NEW)
        second = await steps.to(customer.auth, booking, OTHER)
        assert await desk.hear(second, first) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_changed"]
        assert rows(last_to(desk, shop.person))["Time"].startswith(clock_of(OTHER))

    async def test_what_was_told_before_keeps_its_time(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        await steps.to(customer.auth, booking, NEW)
        assert await desk.hear((await events_of(steps.container, booking))[0]) == []
        assert rows(last_to(desk, shop.person))["Time"].startswith(clock_of(tomorrow(9)))

    async def test_a_request_with_another_time_is_asked_anew(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        assert await desk.hear(await steps.to(customer.auth, booking, NEW)) == []
        assert last_to(desk, shop.person).rendered.title == "New booking request"


class TestProposed:
    async def test_the_barber_is_asked_and_says_no(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit()
        assert await desk.hear(await steps.to(customer.auth, booking, NEW)) == []
        asked = rows(last_to(desk, shop.person))
        assert desk.mailbox.to(shop.person.email) == ["booking_time_proposed"]
        assert desk.mailbox.to(customer.email) == []
        assert asked["Time"].startswith(clock_of(NEW))
        assert clock_of(tomorrow(9)) in asked["Current time"]
        assert "Held until" in asked

        assert await desk.hear(await steps.do(shop.auth, booking, "proposal/decline", note="Full.")) == []
        assert desk.mailbox.to(customer.email) == ["booking_time_kept"]
        kept = rows(last_to(desk, customer))
        assert kept["Time"].startswith(clock_of(tomorrow(9)))
        assert clock_of(NEW) in kept["Proposed time"]
        assert (kept["Reason"], kept["Note"]) == ("The barber prefers the current time.", "Full.")

    async def test_a_counter_offer_to_a_request_that_the_customer_takes(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        assert await desk.hear(await steps.to(shop.auth, booking, NEW)) == []
        assert desk.mailbox.to(customer.email) == ["booking_time_proposed"]
        assert await desk.hear(await steps.do(customer.auth, booking, "proposal/accept", note=None)) == []
        confirmed = last_to(desk, shop.person)
        assert confirmed.rendered.title == "New appointment"
        assert rows(confirmed)["Time"].startswith(clock_of(NEW))

    async def test_a_counter_offer_that_is_not_wanted_leaves_the_request(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        proposed = await steps.to(shop.auth, booking, NEW)
        declined = await steps.do(customer.auth, booking, "proposal/decline", note=None)
        assert await desk.hear(proposed, declined) == []
        assert desk.mailbox.to(customer.email) == []  # there is nothing to be answered any more
        assert last_to(desk, shop.person).rendered.title == "A request is still open"

    async def test_what_was_withdrawn_is_told_to_whom_it_awaited(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        await steps.to(shop.auth, booking, NEW)
        assert await desk.hear(await steps.withdraw(shop.auth, booking)) == []
        assert desk.mailbox.to(shop.person.email) == []
        kept = last_to(desk, customer)
        assert kept.rendered.title == "Your request is still open"
        assert rows(kept)["Reason"] == "The barber withdrew the proposal."

    async def test_both_hear_that_nobody_answered(self, steps: Steps, desk: Desk, clock: SetClock) -> None:
        customer, shop, booking = await steps.visit()
        await steps.to(customer.auth, booking, NEW)
        clock.set(tomorrow(9) + MINUTE)
        await steps.container.get(Rescheduler).lapse_unanswered()
        assert await desk.hear((await events_of(steps.container, booking))[-1]) == []
        for person in (customer, shop.person):
            assert desk.mailbox.to(person.email) == ["booking_time_kept"]
            assert rows(last_to(desk, person))["Reason"] == "Nobody answered in time."


class TestLate:
    async def test_the_customer_reads_by_how_much_and_the_new_time(
        self, steps: Steps, desk: Desk, clock: SetClock
    ) -> None:
        customer, shop, booking = await steps.visit()
        clock.set(tomorrow(8, 30))
        shop = Barber(await sign_in_again(steps.http, shop.person), shop.services)
        first = await steps.do(shop.auth, booking, "late", minutes=10)
        assert await desk.hear(first) == []
        second = await steps.do(shop.auth, booking, "late", minutes=25)
        assert await desk.hear(second) == []
        assert desk.mailbox.to(customer.email) == ["booking_delayed"] * 2
        assert desk.mailbox.to(shop.person.email) == []
        short = last_to(desk, customer).rendered.short
        assert short.startswith("A chair is running 25 minutes late.")
        assert clock_of(tomorrow(9, 25)) in short
        assert clock_of(tomorrow(9)) in rows(last_to(desk, customer))["Before"]

    async def test_who_is_in_the_chair_knows(self, steps: Steps, desk: Desk, clock: SetClock) -> None:
        customer, shop, booking = await steps.visit()
        clock.set(tomorrow(9))
        shop = Barber(await sign_in_again(steps.http, shop.person), shop.services)
        await steps.do(shop.auth, booking, "start")
        assert await desk.hear(await steps.do(shop.auth, booking, "late", minutes=10)) == []
        assert desk.mailbox.to(customer.email) == []


class TestOffered:
    async def test_the_customer_is_asked_and_a_yes_asks_the_barber(self, steps: Steps, desk: Desk) -> None:
        customer, shop = await register(steps.http, name="Zoë"), await barber(steps.http, steps.container)
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        assert await desk.hear(*await events_of(steps.container, booking)) == []
        assert desk.mailbox.to(customer.email) == ["booking_offered"]
        until = clock_of(datetime.fromisoformat(booking["answer_by"]))
        assert f"held for you until {until}" in last_to(desk, customer).rendered.short.replace("\xa0", " ")
        assert desk.mailbox.to(shop.person.email) == []

        assert await desk.hear(await steps.do(customer.auth, booking, "accept")) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_requested"]
        assert desk.mailbox.to(customer.email) == ["booking_offered", "booking_requested"]

    async def test_a_yes_where_nobody_is_asked_is_told_to_both(self, steps: Steps, desk: Desk) -> None:
        customer = await register(steps.http)
        shop = await barber(steps.http, steps.container, rules={"auto_accept": True})
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        assert await desk.hear(await steps.do(customer.auth, booking, "accept")) == []
        assert desk.mailbox.to(shop.person.email) == desk.mailbox.to(customer.email) == ["booking_accepted"]

    async def test_nobody_hears_of_what_is_over(self, steps: Steps, desk: Desk, clock: SetClock) -> None:
        """Neither the offer, told too late, nor that it has run out: the barber never knew of it."""
        customer, shop = await register(steps.http), await barber(steps.http, steps.container)
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        clock.shift = 2 * HOUR
        await steps.container.get(BookingLifecycle).expire_unanswered()
        events = await events_of(steps.container, booking)
        assert [event.type for event in events] == ["booking.offered", "booking.expired"]
        assert await desk.hear(*events) == []
        assert desk.mailbox.mails == []

    async def test_it_wakes_whoever_would_sleep_through_it(self, steps: Steps, desk: Desk, clock: SetClock) -> None:
        customer, _ = await with_device(steps.http, token := f"token-{new_id()}")
        now = clock()
        night = {"start": f"{now - HOUR:%H:%M}", "end": f"{now + 3 * HOUR:%H:%M}"}
        await choose(steps.http, customer, quiet_hours=night)
        booking = await offered(steps.http, steps.container, customer, await barber(steps.http, steps.container), OTHER)
        assert await desk.hear(*await events_of(steps.container, booking)) == []
        assert desk.phones.on(token) == ["booking_offered"]
        assert 0 < desk.phones.pushes[-1][1].ttl_s <= HOUR.total_seconds()


class TestTheEnd:
    @pytest.fixture
    async def visit(self, steps: Steps) -> tuple[Person, Barber, dict[str, Any]]:
        shop = await barber(steps.http, steps.container, rules={"auto_accept": True}, terms=TERMS)
        customer = await register(steps.http)
        return customer, shop, await book(steps.http, customer, shop, tomorrow(9))

    async def test_whoever_cancels_too_late_has_the_fee_in_writing(
        self, steps: Steps, desk: Desk, visit: tuple[Person, Barber, dict[str, Any]]
    ) -> None:
        customer, shop, booking = visit
        assert await desk.hear(await steps.do(customer.auth, booking, "cancel")) == []
        told = rows(last_to(desk, customer))
        assert (told["Fee"], told["Still to pay"]) == ("€22.50", "€22.50")
        assert last_to(desk, customer).rendered.short.endswith("Fee: €22.50.")
        assert rows(last_to(desk, shop.person))["Fee"] == "€22.50"

    async def test_who_does_not_come_as_well(
        self, steps: Steps, desk: Desk, visit: tuple[Person, Barber, dict[str, Any]], clock: SetClock
    ) -> None:
        customer, shop, booking = visit
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        assert await desk.hear(await steps.do(auth, booking, "no-show")) == []
        told = rows(last_to(desk, customer))
        assert (told["Fee"], told["Reason"]) == ("€27.00", "You did not come to the appointment.")
        assert desk.mailbox.to(shop.person.email) == []

    async def test_undone_no_show_is_told_as_a_booking_that_stands(
        self, steps: Steps, desk: Desk, visit: tuple[Person, Barber, dict[str, Any]], clock: SetClock
    ) -> None:
        customer, shop, booking = visit
        accepted = await events_of(steps.container, booking)
        assert await desk.hear(*accepted) == []
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        missed = await steps.do(auth, booking, "no-show")
        assert await desk.hear(missed) == []
        undone = await steps.do(auth, booking, "undo")
        assert await desk.hear(undone) == []
        told = ["booking_requested", "booking_cancelled", "booking_accepted"]
        assert desk.mailbox.to(customer.email) == told

    async def test_no_show_that_is_undone_before_it_is_told_costs_no_fee_in_writing(
        self, steps: Steps, desk: Desk, visit: tuple[Person, Barber, dict[str, Any]], clock: SetClock
    ) -> None:
        customer, shop, booking = visit
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        missed = await steps.do(auth, booking, "no-show")
        await steps.do(auth, booking, "undo")
        assert await desk.hear(missed) == []
        assert desk.mailbox.to(customer.email) == []

    @pytest.mark.parametrize(("days", "told"), [(3, ["booking_cancelled"]), (10, [])])
    async def test_closing_of_a_visit_that_nobody_recorded_is_news_for_a_week(
        self,
        steps: Steps,
        desk: Desk,
        visit: tuple[Person, Barber, dict[str, Any]],
        clock: SetClock,
        days: int,
        told: list[str],
    ) -> None:
        customer, _, booking = visit
        clock.set(tomorrow(9) + days * 24 * HOUR)
        await steps.container.get(BookingLifecycle).close_overdue()
        closed = (await events_of(steps.container, booking))[-1]
        assert await desk.hear(closed) == []
        assert desk.mailbox.to(customer.email) == told

    async def test_where_it_costs_nothing_there_is_nothing_to_tell_who_did_it(self, steps: Steps, desk: Desk) -> None:
        customer, shop, booking = await steps.visit()
        assert await desk.hear(await steps.do(customer.auth, booking, "cancel")) == []
        assert desk.mailbox.to(customer.email) == []
        assert "Fee" not in rows(last_to(desk, shop.person))

    async def test_the_barber_hears_of_the_last_tip_and_the_review_is_asked_for_all_the_same(
        self, steps: Steps, desk: Desk
    ) -> None:
        customer, shop, booking = await steps.visit()
        await steps.do(shop.auth, booking, "start")
        completed = await steps.do(shop.auth, booking, "complete")
        tips = [await steps.do(customer.auth, booking, "tip", amount=amount) for amount in (300, 500)]
        assert await desk.hear(*tips, completed) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_tipped"]
        assert rows(last_to(desk, shop.person))["Tip"] == "€5.00"
        assert desk.mailbox.to(customer.email) == ["receipt", "review_request"]
        assert await desk.hear(await steps.do(customer.auth, booking, "tip", amount=0)) == []
        assert desk.mailbox.to(shop.person.email) == ["booking_tipped"]


async def test_a_walk_in_gets_a_receipt_and_no_confirmation(steps: Steps, desk: Desk) -> None:
    http, customer = steps.http, await register(steps.http)
    shop = await barber(http, steps.container)
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    wanted = {"service_ids": [shop.services[0][0]]}
    place = (await http.post(f"/v1/barbers/{shop.id}/walk-ins", json=wanted, headers=customer.auth)).json()
    sat = await http.post(f"/v1/walk-ins/{place['id']}/seat", json={}, headers=shop.auth)
    assert sat.status_code == 200, sat.text
    await steps.do(shop.auth, sat.json(), "complete")
    assert await desk.hear(*await events_of(steps.container, sat.json())) == []
    assert desk.mailbox.to(customer.email) == ["receipt", "review_request"]
    assert desk.mailbox.to(shop.person.email) == []
    assert UUID(sat.json()["customer_id"]) == customer.id
