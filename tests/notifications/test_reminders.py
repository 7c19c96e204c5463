"""Test reminders a day and two hours before the start."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.queries import BookingQueries
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import NewJob
from grome.notifications.reminders import Reminders, build_reminder
from grome.notifications.repository import REMINDER_MARKS, ReminderMarks
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.builders.unreadable import store_unreadable
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import register_with_device, set_preferences
from tests.notifications.recorders import Pipeline, RecordedJobs

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
START = tomorrow(9) + timedelta(days=3)


class ReminderRun:
    """Runs the cron entry and finds the planned reminders of this test's booking."""

    def __init__(self, container: Container, jobs: RecordedJobs, clock: AdjustableClock) -> None:
        self._container, self._jobs, self._clock = container, jobs, clock
        self._reminders = Reminders(
            container.get(BookingQueries), ReminderMarks(container.database), jobs, container.clock
        )

    async def at(self, moment: datetime, booking: dict[str, Any]) -> list[int]:
        """Return the hours of the reminders that are planned by then."""
        self._clock.set(moment + SECOND)
        await self._reminders.plan_due()
        mine = [job.payload for job in self._jobs.added.values() if job.payload.get("subject_id") == booking["id"]]
        return [payload["hours_before"] for payload in mine]


@pytest.fixture
async def round_(container: Container, pipeline: Pipeline, clock: AdjustableClock) -> AsyncIterator[ReminderRun]:
    await container.database[REMINDER_MARKS.name].delete_many({})
    yield ReminderRun(container, pipeline.jobs, clock)
    await container.database[REMINDER_MARKS.name].delete_many({})


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    booked = await book(http, customer, shop, START)
    assert (await move(http, shop.auth, booked, "accept")).status_code == 200
    return booked


async def test_reminder_is_planned_once_when_due(round_: ReminderRun, booking: dict[str, Any]) -> None:
    assert await round_.at(START - 24 * HOUR - 2 * MINUTE, booking) == []
    assert await round_.at(START - 24 * HOUR, booking) == [24]
    assert await round_.at(START - 24 * HOUR + MINUTE, booking) == [24]
    assert await round_.at(START - 3 * HOUR, booking) == [24]
    assert await round_.at(START - 2 * HOUR + MINUTE, booking) == [24, 2]
    assert await round_.at(START - MINUTE, booking) == [24, 2]


async def test_reminder_goes_to_the_customer(
    pipeline: Pipeline, round_: ReminderRun, booking: dict[str, Any], customer: Person, shop: Barber
) -> None:
    await round_.at(START - 24 * HOUR, booking)
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["booking_reminder"]
    assert pipeline.mailbox.kinds_to(shop.person.email) == []


@pytest.mark.parametrize(
    ("back", "planned"),
    [(20 * HOUR, [24]), (2 * HOUR + MINUTE, [24]), (2 * HOUR - MINUTE, [2]), (MINUTE, [2]), (-MINUTE, [])],
)
async def test_reminder_after_a_pause_comes_late_within_its_lead_time(
    round_: ReminderRun, booking: dict[str, Any], back: timedelta, planned: list[int]
) -> None:
    assert await round_.at(START - 30 * HOUR, booking) == []
    assert await round_.at(START - back, booking) == planned


async def test_booking_within_a_day_gets_no_day_reminder(
    http: httpx.AsyncClient,
    round_: ReminderRun,
    customer: Person,
    shop: Barber,
    booking: dict[str, Any],
    clock: AdjustableClock,
) -> None:
    await round_.at(START - 10 * HOUR, booking)
    people = [await sign_in_again(http, person) for person in (customer, shop.person)]
    late = await book(http, people[0], shop, START + HOUR)
    assert (await move(http, people[1].auth, late, "accept")).status_code == 200
    assert await round_.at(START - 9 * HOUR, late) == []
    assert await round_.at(START - HOUR, late) == [2]
    assert clock() < START


async def test_booking_that_is_not_accepted_gets_no_reminder(
    http: httpx.AsyncClient, round_: ReminderRun, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    asked = await book(http, customer, shop, START + HOUR)
    assert (await move(http, customer.auth, booking, "cancel")).status_code == 200
    assert await round_.at(START - 23 * HOUR, booking) == []
    assert await round_.at(START - 23 * HOUR, asked) == []


@pytest.mark.parametrize("hours", [24, 2])
async def test_reminder_of_a_cancelled_booking_is_suppressed(
    http: httpx.AsyncClient,
    pipeline: Pipeline,
    round_: ReminderRun,
    customer: Person,
    booking: dict[str, Any],
    hours: int,
) -> None:
    assert await round_.at(START - hours * HOUR, booking) == [hours]
    again = await sign_in_again(http, customer)
    assert (await move(http, again.auth, booking, "cancel")).status_code == 200
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == []


@pytest.mark.parametrize(("hours", "left"), [(24, 2 * HOUR), (2, timedelta(0))])
async def test_reminder_job_below_its_lead_time_sends_nothing(
    pipeline: Pipeline,
    round_: ReminderRun,
    customer: Person,
    booking: dict[str, Any],
    clock: AdjustableClock,
    hours: int,
    left: timedelta,
) -> None:
    assert await round_.at(START - hours * HOUR, booking) == [hours]
    clock.set(START - left + SECOND)
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == []


async def test_reminders_follow_preferences(
    http: httpx.AsyncClient, pipeline: Pipeline, round_: ReminderRun, customer: Person, booking: dict[str, Any]
) -> None:
    await set_preferences(http, customer, reminders=[2])
    await round_.at(START - 24 * HOUR, booking)
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == []
    await round_.at(START - 2 * HOUR, booking)
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["booking_reminder"]


async def test_rescheduled_booking_gets_a_new_reminder(
    http: httpx.AsyncClient,
    container: Container,
    pipeline: Pipeline,
    round_: ReminderRun,
    customer: Person,
    booking: dict[str, Any],
) -> None:
    assert await round_.at(START - 24 * HOUR, booking) == [24]
    boss = await sign_in_again(http, await create_admin(http, container))
    moved = await move(http, boss.auth, booking, "reschedule", scheduled_at=(START + 24 * HOUR).isoformat())
    assert moved.status_code == 200, moved.text
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == []
    assert await round_.at(START, booking) == [24, 24]
    assert await pipeline.run_jobs() == []
    assert pipeline.mailbox.kinds_to(customer.email) == ["booking_reminder"]


async def test_reminder_in_quiet_hours_is_sent_at_their_end(
    http: httpx.AsyncClient, pipeline: Pipeline, round_: ReminderRun, shop: Barber, clock: AdjustableClock
) -> None:
    person, _ = await register_with_device(http, token := f"token-{new_id()}")
    booked = await book(http, person, shop, START)
    assert (await move(http, shop.auth, booked, "accept")).status_code == 200
    night = {"start": f"{START - HOUR:%H:%M}", "end": f"{START + 2 * HOUR:%H:%M}"}
    await set_preferences(http, person, quiet_hours=night)
    assert await round_.at(START - 24 * HOUR, booked) == [24]
    assert await pipeline.run_jobs() == []
    assert pipeline.phones.kinds_on(token) == []
    clock.set(START - 22 * HOUR + SECOND)
    assert await pipeline.run_jobs(at=clock()) == []
    assert pipeline.phones.kinds_on(token) == ["booking_reminder"]


async def test_reminders_with_an_unreadable_booking_in_front_plan_the_others(
    container: Container, round_: ReminderRun, booking: dict[str, Any]
) -> None:
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    fields = {"ticks": [1], "customer_id": "nobody", "scheduled_at": START - MINUTE}
    bad = await store_unreadable(container.database, "bookings", stored, **fields)
    try:
        assert await round_.at(START - 24 * HOUR, booking) == [24]
    finally:
        await container.database["bookings"].delete_one({"_id": bad["_id"]})


async def test_reminders_with_a_job_that_cannot_be_stored_plan_the_others(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, shop: Barber, booking: dict[str, Any]
) -> None:
    other = await book(http, await register(http), shop, START + HOUR)
    assert (await move(http, shop.auth, other, "accept")).status_code == 200

    class Refusing(RecordedJobs):
        async def add(self, *jobs: NewJob) -> None:
            if any(job.payload.get("subject_id") == booking["id"] for job in jobs):
                raise ValueError("cannot be stored")
            await super().add(*jobs)

    jobs = Refusing()
    await container.database[REMINDER_MARKS.name].delete_many({})
    clock.set(START - 23 * HOUR + SECOND)
    await Reminders(container.get(BookingQueries), ReminderMarks(container.database), jobs, container.clock).plan_due()
    await container.database[REMINDER_MARKS.name].delete_many({})
    planned = {job.payload["subject_id"] for job in jobs.added.values()}
    assert other["id"] in planned
    assert booking["id"] not in planned


async def test_concurrent_rounds_plan_each_reminder_once(
    container: Container, pipeline: Pipeline, round_: ReminderRun, booking: dict[str, Any]
) -> None:
    await round_.at(START - 24 * HOUR, booking)
    await container.database[REMINDER_MARKS.name].delete_many({})
    before = set(pipeline.jobs.added)
    await round_.at(START - 24 * HOUR, booking)
    assert set(pipeline.jobs.added) == before


async def test_reminder_query_uses_its_index(container: Container, booking: dict[str, Any]) -> None:
    found = await container.get(BookingQueries).list_accepted_between(START, START, None, 1_000)
    (mine,) = [one for one in found if str(one.id) == booking["id"]]
    assert await container.get(BookingQueries).list_accepted_between(START, START, found[-1], 1_000) == []
    assert build_reminder(mine, 24, START).event_id == build_reminder(mine, 24, START + HOUR).event_id
    assert build_reminder(mine, 24, START).event_id != build_reminder(mine, 2, START).event_id
    wanted = {"scheduled_at": {"$gte": START, "$lte": START}, "status": "accepted"}
    query = container.database["bookings"].find(wanted).sort([("scheduled_at", 1), ("_id", 1)])
    plan = str((await query.explain())["queryPlanner"]["winningPlan"])
    assert "'indexName': 'all'" in plan
    assert "'SORT'" not in plan
