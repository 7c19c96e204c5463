"""Test that a repeated request gets the stored first answer byte for byte after arbitrary changes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.models import Party, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.builders.quotes import ask_quote, book_quote
from tests.builders.reports import post_report as ask_report
from tests.builders.reviews import CompletedVisit, complete_visit, post_review, remove_review
from tests.builders.series import ask_series, wish

Repeat = Callable[[], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class World:
    http: httpx.AsyncClient
    container: Container
    customer: Person
    shop: Barber
    people: list[UUID]

    @property
    def theirs(self) -> dict[str, Any]:
        """Return the filter for documents of these people, because other tests share the database."""
        return {"$or": [{name: {"$in": self.people}} for name in ("customer_id", "by.id")]}

    async def post(self, path: str, wanted: dict[str, Any]) -> httpx.Response:
        return await self.http.post(path, json=wanted, headers={**self.customer.auth, "Idempotency-Key": "k"})


@pytest.fixture
async def world(http: httpx.AsyncClient, container: Container) -> World:
    place = {"lat": -51.7, "lng": -59.2}  # where no other test has barbers
    shop = await barber(http, container, durations=(30, 45), location=place)
    customer = await register(http)
    return World(http, container, customer, shop, [customer.id, shop.person.id])


async def created(world: World) -> Repeat:
    wanted = {
        "barber_id": world.shop.id,
        "service_ids": [world.shop.services[0][0]],
        "scheduled_at": tomorrow(9).isoformat(),
        "note": "Not too short.",
    }
    return lambda: world.post("/v1/bookings", wanted)


async def booked_again(world: World) -> Repeat:
    before = await book(world.http, world.customer, world.shop, tomorrow(9))
    wanted = {"scheduled_at": tomorrow(12).isoformat()}
    return lambda: world.post(f"/v1/bookings/{before['id']}/rebook", wanted)


async def booked_with_anybody(world: World) -> Repeat:
    services = [world.shop.services[0][0]]
    wanted = {"lat": -51.7, "lng": -59.2, "service_ids": services, "scheduled_at": tomorrow(9).isoformat()}
    return lambda: world.post("/v1/bookings/any", wanted)


async def booked_as_quoted(world: World) -> Repeat:
    quoted = (await ask_quote(world.http, world.customer, world.shop, tomorrow(9))).json()
    return lambda: book_quote(world.http, world.customer, quoted)


async def series_made(world: World) -> Repeat:
    return lambda: ask_series(world.http, world.customer, wish(world.shop, tomorrow(9)), key="k")


async def report_asked_for(world: World) -> Repeat:
    return lambda: ask_report(world.http, world.shop.person, key="k")


async def visit_reviewed(world: World) -> Repeat:
    visit = await complete_visit(world.http, world.container)
    world.people.append(visit.customer.id)
    return lambda: post_review(world.http, visit, 4, "Good.", key="k")


POSTS = [created, booked_again, booked_with_anybody, booked_as_quoted, series_made, report_asked_for, visit_reviewed]


async def everything_changes(world: World) -> None:
    """Change all documents directly in the database, without history entries."""
    database = world.container.database
    moment = datetime(2001, 5, 6, 7, tzinfo=UTC)
    booked = {"services.0.name": "Other", "services.0.price": 1, "currency": "JPY", "price": 1, "payment.tip": 7,
              "payment.paid": 1, "origin": "walk_in", "scheduled_at": moment, "ends_at": moment, "status": "completed",
              "history": [], "created_at": moment, "terms.deposit.percent": 99, "ticks": [], "active": False,
              "customer_note": "Other."}  # fmt: skip
    in_series = {"timezone": "Asia/Tokyo", "occurrences": [], "created_at": moment}
    asked = {"state": "failed", "slot": None, "period.timezone": "Asia/Tokyo", "created_at": moment}
    changes = {"bookings": booked, "series": in_series, "reports": asked, "reviews": {"created_at": moment}}
    for name, fields in changes.items():
        await database[name].update_many(world.theirs, {"$set": fields})
    await database["quotes"].delete_many(world.theirs)


@pytest.mark.parametrize("prepare", POSTS)
async def test_repeat_gets_the_stored_answer_after_any_change(
    world: World, prepare: Callable[[World], Awaitable[Repeat]]
) -> None:
    ask = await prepare(world)
    first = await ask()
    assert first.status_code in {201, 202}, first.text
    await everything_changes(world)
    again = await ask()
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]


async def forget_answers(world: World) -> None:
    """Remove the stored answers, as in documents of an earlier release."""
    for name in ("bookings", "series", "reports", "reviews"):
        await world.container.database[name].update_many(world.theirs, {"$unset": {"first_answer": ""}})


@pytest.mark.parametrize("prepare", POSTS)
async def test_repeat_without_a_stored_answer_gets_it_from_the_history(
    world: World, prepare: Callable[[World], Awaitable[Repeat]]
) -> None:
    ask = await prepare(world)
    first = await ask()
    await forget_answers(world)
    again = await ask()
    assert (again.status_code, again.content) == (first.status_code, first.content)


async def test_answer_is_stored_only_for_repeatable_requests(world: World) -> None:
    await book(world.http, world.customer, world.shop, tomorrow(9))
    await book(world.http, world.customer, world.shop, tomorrow(12), key="k")
    await ask_series(world.http, world.customer, wish(world.shop, tomorrow(15)))
    bookings = world.container.database["bookings"].find({"customer_id": world.customer.id})
    stored = {document["scheduled_at"]: document["first_answer"] async for document in bookings}
    assert [start for start, answer in stored.items() if answer] == [tomorrow(12)]
    series = await world.container.database["series"].find_one({"customer_id": world.customer.id})
    assert series is not None
    assert series["first_answer"] is None


async def test_stored_answer_is_loaded_only_for_repeats(world: World) -> None:
    booking = await book(world.http, world.customer, world.shop, tomorrow(9), key="k")
    stored, shop_id, booking_id = world.container.get(BookingRepository), UUID(world.shop.id), UUID(booking["id"])
    span = (tomorrow(0), tomorrow(0) + timedelta(days=1))
    scope = {"barber_id": shop_id}
    found = [
        *await stored.list_page(scope, None, None, 10),
        *await stored.list_page(scope, Status.REQUESTED, None, 10),
        *[one async for batch in stored.iter_starting_between(scope, span, None, 10) for one in batch],
        *await stored.list_around(scope, span, 10, latest_first=False),
        *await stored.find_many([booking_id]),
        *await stored.list_active_overlapping(shop_id, 0, 2**31, 10),
        *[one for one in [await stored.find(scope, booking_id)] if one],
        *await world.container.get(BookingQueries).list_around(Party.BARBER, shop_id, span, 10),
    ]
    assert [one.id for one in found] == [booking_id] * 8
    assert [one.first_answer for one in found] == [None] * 8


async def test_removed_review_keeps_no_text_and_repeats_get_the_answer(
    http: httpx.AsyncClient, container: Container
) -> None:
    visit: CompletedVisit = await complete_visit(http, container)
    first = await post_review(http, visit, 4, "Nobody shall read this again.", key="k")
    assert (await remove_review(http, visit)).status_code == 204
    document = await container.database["reviews"].find_one({"_id": UUID(visit.booking_id)})
    assert "shall read" not in str(document)
    again = await post_review(http, visit, 4, "Nobody shall read this again.", key="k")
    assert (again.status_code, again.content) == (201, first.content)


async def test_twenty_concurrent_repeats_get_one_answer(world: World) -> None:
    ask = await created(world)
    answers = await asyncio.gather(*(ask() for _ in range(20)))
    assert len({one.content for one in answers if one.status_code == 201}) == 1
