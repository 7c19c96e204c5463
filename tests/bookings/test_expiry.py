"""Requests that no barber answers: they end by themselves, at their time, and give theirs back."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.bookings.jobs import expire_unanswered
from grome.context import AppContext
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, history, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import SetClock

DAY = timedelta(days=1)


@pytest.fixture
async def shop(http: httpx.AsyncClient, context: AppContext) -> Barber:
    return await barber(http, context)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def request_(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    """For a time so far ahead that the barber has the full day for an answer."""
    booking = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    assert deadline(booking) == datetime.fromisoformat(booking["created_at"]) + DAY
    return booking


@pytest.fixture
async def overdue(
    http: httpx.AsyncClient, customer: Person, shop: Barber, request_: dict[str, Any], clock: SetClock
) -> tuple[Person, Person]:
    """The customer and the barber, a second after the deadline."""
    clock.set(deadline(request_) + timedelta(seconds=1))
    return await sign_in_again(http, customer), await sign_in_again(http, shop.person)


def deadline(booking: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(booking["answer_by"])


async def expire_all(context: AppContext) -> None:
    """Until nothing is overdue: what other tests left unanswered is overdue by a moved clock too."""
    while await context.bookings.expire_unanswered():
        pass


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_after_its_time_a_request_can_only_be_expired(
    http: httpx.AsyncClient, request_: dict[str, Any], overdue: tuple[Person, Person], action: str
) -> None:
    customer, shop = overdue
    refused = await move(http, (customer if action == "cancel" else shop).auth, request_, action)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    read = (await http.get(f"/v1/bookings/{request_['id']}", headers=customer.auth)).json()
    assert (read["status"], read["reason"], read["version"]) == ("cancelled", "expired", 2)
    last = (await history(http, customer.auth, request_))[-1]
    assert (last["action"], last["by"], last["actor_id"], last["reason"]) == ("expire", "system", None, "expired")


async def test_up_to_its_time_it_can_be_answered(
    http: httpx.AsyncClient, shop: Barber, request_: dict[str, Any], clock: SetClock
) -> None:
    clock.set(deadline(request_) - timedelta(minutes=1))
    later = await sign_in_again(http, shop.person)
    assert (await move(http, later.auth, request_, "accept")).json()["status"] == "accepted"


async def test_the_job_frees_the_time(
    http: httpx.AsyncClient,
    context: AppContext,
    shop: Barber,
    request_: dict[str, Any],
    overdue: tuple[Person, Person],
) -> None:
    customer, barber_ = overdue
    start = tomorrow(9) + 3 * DAY
    assert (await ask(http, customer, shop, start)).json()["code"] == "slot_taken"

    await expire_unanswered({"grome": context})
    await expire_all(context)

    read = (await http.get(f"/v1/bookings/{request_['id']}", headers=barber_.auth)).json()
    assert (read["status"], read["reason"]) == ("cancelled", "expired")
    assert len(await history(http, customer.auth, request_)) == 2
    await book(http, customer, shop, start)


async def test_the_job_leaves_alone_what_was_answered_and_what_has_time(
    http: httpx.AsyncClient, context: AppContext, customer: Person, shop: Barber, clock: SetClock
) -> None:
    eager = await barber(http, context, rules={"auto_accept": True})
    answered = await book(http, customer, shop, tomorrow(9) + 3 * DAY)
    await move(http, shop.auth, answered, "accept")
    unasked = await book(http, customer, eager, tomorrow(9) + 3 * DAY)
    clock.shift = 2 * DAY
    later = await sign_in_again(http, customer)
    fresh = await book(http, later, shop, tomorrow(12) + 3 * DAY)

    await expire_all(context)

    found = (await http.get("/v1/bookings", headers=later.auth)).json()["items"]
    assert {booking["id"]: booking["status"] for booking in found} == {
        answered["id"]: "accepted",
        unasked["id"]: "accepted",
        fresh["id"]: "requested",
    }


async def test_a_request_expires_when_its_visit_would_begin(
    http: httpx.AsyncClient, customer: Person, shop: Barber, clock: SetClock
) -> None:
    start = tomorrow(2)  # less than a day and two hours ahead, at whatever hour this runs
    clock.set(start - timedelta(hours=3))
    customer = await sign_in_again(http, customer)
    booking = await book(http, customer, shop, start)
    assert deadline(booking) == start
    clock.set(start)
    barber_ = await sign_in_again(http, shop.person)
    assert (await move(http, barber_.auth, booking, "accept")).json()["code"] == "wrong_state"
