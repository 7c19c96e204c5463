"""Test the expiry of unanswered requests, and the release of their time."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.jobs import expire_unanswered
from grome.bookings.lifecycle import BookingLifecycle
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, history, move, read, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.unreadable import store_unreadable
from tests.conftest import AdjustableClock

DAY = timedelta(days=1)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def request_(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    """Request a time far enough ahead that the barber has a full day to answer."""
    booking = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    assert deadline(booking) == datetime.fromisoformat(booking["created_at"]) + DAY
    return booking


@pytest.fixture
async def overdue(
    http: httpx.AsyncClient, customer: Person, shop: Barber, request_: dict[str, Any], clock: AdjustableClock
) -> tuple[Person, Person]:
    """Move the clock to a second after the deadline, and sign both in again."""
    clock.set(deadline(request_) + timedelta(seconds=1))
    return await sign_in_again(http, customer), await sign_in_again(http, shop.person)


def deadline(booking: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(booking["answer_by"])


async def expire_all(container: Container) -> None:
    """Expire until nothing is overdue, including requests that other tests left behind."""
    while await container.get(BookingLifecycle).expire_unanswered():
        pass


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_overdue_request_cannot_be_answered(
    http: httpx.AsyncClient, request_: dict[str, Any], overdue: tuple[Person, Person], action: str
) -> None:
    customer, shop = overdue
    refused = await move(http, (customer if action == "cancel" else shop).auth, request_, action)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    ended = await read(http, customer.auth, request_)
    assert (ended["status"], ended["reason"], ended["version"]) == ("cancelled", "expired", 2)
    assert (ended["awaits"], ended["answer_by"]) == (None, None)
    assert ended["settlement"] == {"fee": 0, "refund": 0, "due": 0}
    last = (await history(http, customer.auth, request_))[-1]
    assert (last["action"], last["by"], last["actor_id"], last["reason"]) == ("expire", "system", None, "expired")


async def test_request_can_be_answered_until_its_deadline(
    http: httpx.AsyncClient, shop: Barber, request_: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.set(deadline(request_) - timedelta(minutes=1))
    later = await sign_in_again(http, shop.person)
    assert (await move(http, later.auth, request_, "accept")).json()["status"] == "accepted"


async def test_expiry_job_frees_the_time(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    request_: dict[str, Any],
    overdue: tuple[Person, Person],
) -> None:
    customer, barber_ = overdue

    await expire_unanswered({"container": container})
    await expire_all(container)

    ended = await read(http, barber_.auth, request_)
    assert (ended["status"], ended["reason"]) == ("cancelled", "expired")
    assert len(await history(http, customer.auth, request_)) == 2
    await book(http, customer, shop, tomorrow(9) + 3 * DAY)


async def test_expiry_with_an_unreadable_booking_in_front_ends_the_others(
    http: httpx.AsyncClient, container: Container, customer: Person, request_: dict[str, Any], clock: AdjustableClock
) -> None:
    stored = await container.database["bookings"].find_one({"_id": UUID(request_["id"])})
    assert stored
    earlier = stored["answer_by"] - timedelta(minutes=1)
    unheard = [{**stored["history"][0], "action": "unheard_of"}]
    fields = {"ticks": [1], "answer_by": earlier, "history": unheard}
    bad = await store_unreadable(container.database, "bookings", stored, **fields)
    clock.set(deadline(request_) + timedelta(seconds=1))
    try:
        await expire_unanswered({"container": container})
    finally:
        await container.database["bookings"].delete_one({"_id": bad["_id"]})
    ended = await read(http, (await sign_in_again(http, customer)).auth, request_)
    assert (ended["status"], ended["reason"]) == ("cancelled", "expired")


async def test_lapse_with_an_unreadable_booking_in_front_lapses_the_others(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    booking = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    assert (await move(http, shop.auth, booking, "accept")).status_code == 200
    other = {"scheduled_at": (tomorrow(12) + 3 * DAY).isoformat()}
    proposed = await http.post(f"/v1/bookings/{booking['id']}/reschedule", json=other, headers=shop.auth)
    assert proposed.status_code == 200, proposed.text
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    proposal = {**stored["proposal"], "answer_by": stored["proposal"]["answer_by"] - timedelta(minutes=1)}
    fields = {"ticks": [1], "proposal": proposal, "history": [{**stored["history"][0], "action": "unheard_of"}]}
    bad = await store_unreadable(container.database, "bookings", stored, **fields)
    clock.set(stored["proposal"]["answer_by"] + timedelta(seconds=1))
    try:
        await expire_unanswered({"container": container})
    finally:
        await container.database["bookings"].delete_one({"_id": bad["_id"]})
    later = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert later
    assert later["proposal"] is None


async def test_rival_of_an_unreadable_overdue_request_is_told_that_the_time_is_taken(
    http: httpx.AsyncClient, container: Container, shop: Barber, request_: dict[str, Any], clock: AdjustableClock
) -> None:
    bookings = container.database["bookings"]
    stored = await bookings.find_one_and_delete({"_id": UUID(request_["id"])})
    assert stored
    unheard = [{**stored["history"][0], "action": "unheard_of"}]
    bad = await store_unreadable(container.database, "bookings", stored, history=unheard)
    clock.set(deadline(request_) + timedelta(seconds=1))
    try:
        refused = await ask(http, await register(http), shop, tomorrow(9) + 3 * DAY)
    finally:
        await bookings.delete_one({"_id": bad["_id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")


async def test_booking_takes_the_time_of_an_overdue_request_before_the_job_runs(
    http: httpx.AsyncClient, shop: Barber, request_: dict[str, Any], overdue: tuple[Person, Person]
) -> None:
    rivals = [await register(http) for _ in range(3)]
    start = tomorrow(9) + 3 * DAY + timedelta(minutes=15)
    answers = await asyncio.gather(*(ask(http, rival, shop, start) for rival in rivals))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert (await read(http, overdue[0].auth, request_))["reason"] == "expired"
    assert len(await history(http, overdue[0].auth, request_)) == 2


async def test_booking_takes_the_seat_of_an_overdue_request_before_the_job_runs(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, rules={"daily_cap": 1})
    booking = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    full = await ask(http, customer, shop, tomorrow(12) + 3 * DAY)
    assert full.json()["errors"] == [{"field": "scheduled_at", "message": "day_full"}]
    clock.set(deadline(booking) + timedelta(seconds=1))
    customer = await sign_in_again(http, customer)
    await book(http, customer, shop, tomorrow(12) + 3 * DAY)
    assert (await read(http, customer.auth, booking))["reason"] == "expired"


async def test_repeat_of_an_overdue_request_gets_the_first_answer(
    http: httpx.AsyncClient, shop: Barber, customer: Person, clock: AdjustableClock
) -> None:
    first = await book(http, customer, shop, tomorrow(9) + 3 * DAY, key="k")
    clock.set(deadline(first) + timedelta(seconds=1))
    again = await book(http, await sign_in_again(http, customer), shop, tomorrow(9) + 3 * DAY, key="k")
    assert again == first


async def test_expiry_job_keeps_answered_and_timely_requests(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    eager = await barber(http, container, rules={"auto_accept": True})
    answered = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    await move(http, shop.auth, answered, "accept")
    unasked = await book(http, customer, eager, tomorrow(9) + 3 * DAY)
    clock.shift = 2 * DAY
    later = await sign_in_again(http, customer)
    fresh = await book(http, later, shop, tomorrow(12) + 3 * DAY)

    await expire_all(container)

    found = (await http.get("/v1/bookings", headers=later.auth)).json()["items"]
    assert {booking["id"]: booking["status"] for booking in found} == {
        answered["id"]: "accepted",
        unasked["id"]: "accepted",
        fresh["id"]: "requested",
    }


async def test_request_expires_at_the_start_of_its_visit(
    http: httpx.AsyncClient, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    start = tomorrow(2)  # at most 26 hours ahead at any time of day
    clock.set(start - timedelta(hours=3))
    customer = await sign_in_again(http, customer)
    booking = await book(http, customer, shop, start)
    assert deadline(booking) == start
    clock.set(start)
    barber_ = await sign_in_again(http, shop.person)
    assert (await move(http, barber_.auth, booking, "accept")).json()["code"] == "wrong_state"
