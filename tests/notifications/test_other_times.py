"""Test messages about changed times, offers, tips, and the costs of a cancellation."""

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
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import events_of, perform, register_with_device, request_visit, set_preferences
from tests.notifications.recorders import Pipeline

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEW, OTHER = tomorrow(12), tomorrow(14)
BERLIN = ZoneInfo("Europe/Berlin")
TERMS = {"cancellation": {"cancel_notice_min": 10_000, "late_refund_percent": 25, "no_show_refund_percent": 10}}


@pytest.fixture
def steps(http: httpx.AsyncClient, container: Container) -> "Actions":
    return Actions(http, container)


class Actions:
    """Performs actions on a booking and returns the event of each."""

    def __init__(self, http: httpx.AsyncClient, container: Container) -> None:
        self.http, self.container = http, container

    async def visit(self, *, is_accepted: bool = True, **rules: Any) -> tuple[Person, Barber, dict[str, Any]]:
        """Book tomorrow at nine, accepted by the barber unless the rules accept automatically."""
        customer, shop, booking = await request_visit(self.http, self.container, **rules)
        if is_accepted and booking["status"] == "requested":
            await self.do(shop.auth, booking, "accept")
        return customer, shop, booking

    async def do(self, auth: dict[str, str], booking: dict[str, Any], action: str, **body: Any) -> Event:
        return await perform(self.http, self.container, auth, booking, action, **body)

    async def to(self, auth: dict[str, str], booking: dict[str, Any], start: datetime, **body: Any) -> Event:
        return await self.do(auth, booking, "reschedule", scheduled_at=start.isoformat(), **body)

    async def withdraw(self, auth: dict[str, str], booking: dict[str, Any]) -> Event:
        answer = await self.http.delete(f"/v1/bookings/{booking['id']}/proposal", headers=auth)
        assert answer.status_code == 200, answer.text
        return (await events_of(self.container, booking))[-1]


def last_to(pipeline: Pipeline, person: Person) -> Mail:
    return [mail for mail in pipeline.mailbox.mails if mail.to == person.email][-1]


def rows(mail: Mail) -> dict[str, str]:
    """Return the rows of the table in the plain text."""
    lines = (line.partition(": ") for line in mail.rendered.text.splitlines())
    return {label: value.replace("\xa0", " ") for label, _, value in lines if value}


def clock_of(moment: datetime) -> str:
    """Format a time of Berlin as in an English message."""
    return f"{moment.astimezone(BERLIN):%-I:%M %p}"


class TestMoved:
    async def test_reschedule_notifies_the_other_side_with_both_times(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        assert await pipeline.handle(await steps.to(customer.auth, booking, NEW, note="Sorry!")) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_changed"]
        assert pipeline.mailbox.kinds_to(customer.email) == []
        told = rows(last_to(pipeline, shop.person))
        assert told["Time"].startswith(clock_of(NEW))
        assert clock_of(tomorrow(9)) in told["Before"]
        assert told["Note"] == "Sorry!"

    async def test_reschedule_back_and_forth_notifies_each_time(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        for start in (NEW, OTHER, NEW):
            assert await pipeline.handle(await steps.to(customer.auth, booking, start)) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_changed"] * 3

    async def test_reschedule_followed_by_another_is_suppressed(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        first = await steps.to(customer.auth, booking, NEW)
        second = await steps.to(customer.auth, booking, OTHER)
        assert await pipeline.handle(second, first) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_changed"]
        assert rows(last_to(pipeline, shop.person))["Time"].startswith(clock_of(OTHER))

    async def test_earlier_message_keeps_its_time_after_a_reschedule(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(auto_accept=True)
        await steps.to(customer.auth, booking, NEW)
        assert await pipeline.handle((await events_of(steps.container, booking))[0]) == []
        assert rows(last_to(pipeline, shop.person))["Time"].startswith(clock_of(tomorrow(9)))

    async def test_rescheduled_request_asks_the_barber_again(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        assert await pipeline.handle(await steps.to(customer.auth, booking, NEW)) == []
        assert last_to(pipeline, shop.person).rendered.title == "New booking request"


class TestProposed:
    async def test_rejected_proposal_notifies_the_customer(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit()
        assert await pipeline.handle(await steps.to(customer.auth, booking, NEW)) == []
        asked = rows(last_to(pipeline, shop.person))
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_time_proposed"]
        assert pipeline.mailbox.kinds_to(customer.email) == []
        assert asked["Time"].startswith(clock_of(NEW))
        assert clock_of(tomorrow(9)) in asked["Current time"]
        assert "Held until" in asked

        assert await pipeline.handle(await steps.do(shop.auth, booking, "proposal/decline", note="Full.")) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_time_kept"]
        kept = rows(last_to(pipeline, customer))
        assert kept["Time"].startswith(clock_of(tomorrow(9)))
        assert clock_of(NEW) in kept["Proposed time"]
        assert (kept["Reason"], kept["Note"]) == ("The barber prefers the current time.", "Full.")

    async def test_accepted_counter_offer_confirms_the_request(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        assert await pipeline.handle(await steps.to(shop.auth, booking, NEW)) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_time_proposed"]
        assert await pipeline.handle(await steps.do(customer.auth, booking, "proposal/accept", note=None)) == []
        confirmed = last_to(pipeline, shop.person)
        assert confirmed.rendered.title == "New appointment"
        assert rows(confirmed)["Time"].startswith(clock_of(NEW))

    async def test_rejected_counter_offer_keeps_the_request_open(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        proposed = await steps.to(shop.auth, booking, NEW)
        declined = await steps.do(customer.auth, booking, "proposal/decline", note=None)
        assert await pipeline.handle(proposed, declined) == []
        assert pipeline.mailbox.kinds_to(customer.email) == []  # there is nothing to be answered any more
        assert last_to(pipeline, shop.person).rendered.title == "A request is still open"

    async def test_withdrawn_proposal_notifies_its_approver(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit(is_accepted=False)
        await steps.to(shop.auth, booking, NEW)
        assert await pipeline.handle(await steps.withdraw(shop.auth, booking)) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == []
        kept = last_to(pipeline, customer)
        assert kept.rendered.title == "Your request is still open"
        assert rows(kept)["Reason"] == "The barber withdrew the proposal."

    async def test_lapsed_proposal_notifies_both_sides(
        self, steps: Actions, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        customer, shop, booking = await steps.visit()
        await steps.to(customer.auth, booking, NEW)
        clock.set(tomorrow(9) + MINUTE)
        await steps.container.get(Rescheduler).lapse_unanswered()
        assert await pipeline.handle((await events_of(steps.container, booking))[-1]) == []
        for person in (customer, shop.person):
            assert pipeline.mailbox.kinds_to(person.email) == ["booking_time_kept"]
            assert rows(last_to(pipeline, person))["Reason"] == "Nobody answered in time."


class TestLate:
    async def test_delay_message_states_minutes_and_new_time(
        self, steps: Actions, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        customer, shop, booking = await steps.visit()
        clock.set(tomorrow(8, 30))
        shop = Barber(await sign_in_again(steps.http, shop.person), shop.services)
        first = await steps.do(shop.auth, booking, "late", minutes=10)
        assert await pipeline.handle(first) == []
        second = await steps.do(shop.auth, booking, "late", minutes=25)
        assert await pipeline.handle(second) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_delayed"] * 2
        assert pipeline.mailbox.kinds_to(shop.person.email) == []
        short = last_to(pipeline, customer).rendered.short
        assert short.startswith("A chair is running 25 minutes late.")
        assert clock_of(tomorrow(9, 25)) in short
        assert clock_of(tomorrow(9)) in rows(last_to(pipeline, customer))["Before"]

    async def test_delay_after_the_start_is_suppressed(
        self, steps: Actions, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        customer, shop, booking = await steps.visit()
        clock.set(tomorrow(9))
        shop = Barber(await sign_in_again(steps.http, shop.person), shop.services)
        await steps.do(shop.auth, booking, "start")
        assert await pipeline.handle(await steps.do(shop.auth, booking, "late", minutes=10)) == []
        assert pipeline.mailbox.kinds_to(customer.email) == []


class TestOffered:
    async def test_accepted_offer_becomes_a_request_to_the_barber(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop = await register(steps.http, name="Zoë"), await barber(steps.http, steps.container)
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        assert await pipeline.handle(*await events_of(steps.container, booking)) == []
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_offered"]
        until = clock_of(datetime.fromisoformat(booking["answer_by"]))
        assert f"held for you until {until}" in last_to(pipeline, customer).rendered.short.replace("\xa0", " ")
        assert pipeline.mailbox.kinds_to(shop.person.email) == []

        assert await pipeline.handle(await steps.do(customer.auth, booking, "accept")) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_requested"]
        assert pipeline.mailbox.kinds_to(customer.email) == ["booking_offered", "booking_requested"]

    async def test_accepted_offer_with_automatic_acceptance_notifies_both(
        self, steps: Actions, pipeline: Pipeline
    ) -> None:
        customer = await register(steps.http)
        shop = await barber(steps.http, steps.container, rules={"auto_accept": True})
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        assert await pipeline.handle(await steps.do(customer.auth, booking, "accept")) == []
        assert (
            pipeline.mailbox.kinds_to(shop.person.email)
            == pipeline.mailbox.kinds_to(customer.email)
            == ["booking_accepted"]
        )

    async def test_expired_offer_sends_nothing(
        self, steps: Actions, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        """Neither the late offer nor its expiry is announced; the barber never knew of the offer."""
        customer, shop = await register(steps.http), await barber(steps.http, steps.container)
        booking = await offered(steps.http, steps.container, customer, shop, NEW)
        clock.shift = 2 * HOUR
        await steps.container.get(BookingLifecycle).expire_unanswered()
        events = await events_of(steps.container, booking)
        assert [event.type for event in events] == ["booking.offered", "booking.expired"]
        assert await pipeline.handle(*events) == []
        assert pipeline.mailbox.mails == []

    async def test_offer_that_ends_in_quiet_hours_ignores_them(
        self, steps: Actions, pipeline: Pipeline, clock: AdjustableClock
    ) -> None:
        customer, _ = await register_with_device(steps.http, token := f"token-{new_id()}")
        now = clock()
        night = {"start": f"{now - HOUR:%H:%M}", "end": f"{now + 3 * HOUR:%H:%M}"}
        await set_preferences(steps.http, customer, quiet_hours=night)
        booking = await offered(steps.http, steps.container, customer, await barber(steps.http, steps.container), OTHER)
        assert await pipeline.handle(*await events_of(steps.container, booking)) == []
        assert pipeline.phones.kinds_on(token) == ["booking_offered"]
        assert 0 < pipeline.phones.pushes[-1][1].ttl_s <= HOUR.total_seconds()


class TestTheEnd:
    @pytest.fixture
    async def visit(self, steps: Actions) -> tuple[Person, Barber, dict[str, Any]]:
        shop = await barber(steps.http, steps.container, rules={"auto_accept": True}, terms=TERMS)
        customer = await register(steps.http)
        return customer, shop, await book(steps.http, customer, shop, tomorrow(9))

    async def test_late_cancellation_states_the_fee_to_the_customer(
        self, steps: Actions, pipeline: Pipeline, visit: tuple[Person, Barber, dict[str, Any]]
    ) -> None:
        customer, shop, booking = visit
        assert await pipeline.handle(await steps.do(customer.auth, booking, "cancel")) == []
        told = rows(last_to(pipeline, customer))
        assert (told["Fee"], told["Still to pay"]) == ("€22.50", "€22.50")
        assert last_to(pipeline, customer).rendered.short.endswith("Fee: €22.50.")
        assert rows(last_to(pipeline, shop.person))["Fee"] == "€22.50"

    async def test_no_show_states_the_fee_to_the_customer(
        self,
        steps: Actions,
        pipeline: Pipeline,
        visit: tuple[Person, Barber, dict[str, Any]],
        clock: AdjustableClock,
    ) -> None:
        customer, shop, booking = visit
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        assert await pipeline.handle(await steps.do(auth, booking, "no-show")) == []
        told = rows(last_to(pipeline, customer))
        assert (told["Fee"], told["Reason"]) == ("€27.00", "You did not come to the appointment.")
        assert pipeline.mailbox.kinds_to(shop.person.email) == []

    async def test_undone_no_show_sends_a_confirmation(
        self,
        steps: Actions,
        pipeline: Pipeline,
        visit: tuple[Person, Barber, dict[str, Any]],
        clock: AdjustableClock,
    ) -> None:
        customer, shop, booking = visit
        accepted = await events_of(steps.container, booking)
        assert await pipeline.handle(*accepted) == []
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        missed = await steps.do(auth, booking, "no-show")
        assert await pipeline.handle(missed) == []
        undone = await steps.do(auth, booking, "undo")
        assert await pipeline.handle(undone) == []
        told = ["booking_requested", "booking_cancelled", "booking_accepted"]
        assert pipeline.mailbox.kinds_to(customer.email) == told

    async def test_no_show_undone_before_sending_states_no_fee(
        self,
        steps: Actions,
        pipeline: Pipeline,
        visit: tuple[Person, Barber, dict[str, Any]],
        clock: AdjustableClock,
    ) -> None:
        customer, shop, booking = visit
        clock.set(tomorrow(9, 20))
        auth = (await sign_in_again(steps.http, shop.person)).auth
        missed = await steps.do(auth, booking, "no-show")
        await steps.do(auth, booking, "undo")
        assert await pipeline.handle(missed) == []
        assert pipeline.mailbox.kinds_to(customer.email) == []

    @pytest.mark.parametrize(("days", "told"), [(3, ["booking_cancelled"]), (10, [])])
    async def test_automatic_closing_sends_messages_within_a_week_only(
        self,
        steps: Actions,
        pipeline: Pipeline,
        visit: tuple[Person, Barber, dict[str, Any]],
        clock: AdjustableClock,
        days: int,
        told: list[str],
    ) -> None:
        customer, _, booking = visit
        clock.set(tomorrow(9) + days * 24 * HOUR)
        await steps.container.get(BookingLifecycle).close_overdue()
        closed = (await events_of(steps.container, booking))[-1]
        assert await pipeline.handle(closed) == []
        assert pipeline.mailbox.kinds_to(customer.email) == told

    async def test_free_cancellation_sends_nothing_to_its_author(self, steps: Actions, pipeline: Pipeline) -> None:
        customer, shop, booking = await steps.visit()
        assert await pipeline.handle(await steps.do(customer.auth, booking, "cancel")) == []
        assert pipeline.mailbox.kinds_to(customer.email) == []
        assert "Fee" not in rows(last_to(pipeline, shop.person))

    async def test_changed_tip_sends_the_last_amount_and_keeps_the_review_request(
        self, steps: Actions, pipeline: Pipeline
    ) -> None:
        customer, shop, booking = await steps.visit()
        await steps.do(shop.auth, booking, "start")
        completed = await steps.do(shop.auth, booking, "complete")
        tips = [await steps.do(customer.auth, booking, "tip", amount=amount) for amount in (300, 500)]
        assert await pipeline.handle(*tips, completed) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_tipped"]
        assert rows(last_to(pipeline, shop.person))["Tip"] == "€5.00"
        assert pipeline.mailbox.kinds_to(customer.email) == ["receipt", "review_request"]
        assert await pipeline.handle(await steps.do(customer.auth, booking, "tip", amount=0)) == []
        assert pipeline.mailbox.kinds_to(shop.person.email) == ["booking_tipped"]


async def test_walk_in_gets_a_receipt_and_no_confirmation(steps: Actions, pipeline: Pipeline) -> None:
    http, customer = steps.http, await register(steps.http)
    shop = await barber(http, steps.container)
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    wanted = {"service_ids": [shop.services[0][0]]}
    place = (await http.post(f"/v1/barbers/{shop.id}/walk-ins", json=wanted, headers=customer.auth)).json()
    sat = await http.post(f"/v1/walk-ins/{place['id']}/seat", json={}, headers=shop.auth)
    assert sat.status_code == 200, sat.text
    await steps.do(shop.auth, sat.json(), "complete")
    assert await pipeline.handle(*await events_of(steps.container, sat.json())) == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["receipt", "review_request"]
    assert pipeline.mailbox.kinds_to(shop.person.email) == []
    assert UUID(sat.json()["customer_id"]) == customer.id
