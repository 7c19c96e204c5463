"""Freed time reaches the entries that it suits, however long the list before them is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreator
from grome.bookings.queries import BookingQueries
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import Area, DeclinedSlot, FreedTimeSearch, WaitlistEntry
from grome.waitlist.repository import WaitlistRepository
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import move, tomorrow
from tests.builders.people import register
from tests.builders.waitlist import (
    book_by_new_customer,
    free_time,
    join_waitlist,
    newest_event,
    offered_booking,
    read_entry,
    window_over,
)

CROWD = 450
SMALL_CROWD = 210


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True}, location={"lat": -33.0, "lng": 44.0})


@pytest.fixture(autouse=True)
async def _no_crowd_is_left(container: Container) -> AsyncIterator[None]:
    yield
    await container.database["waitlist"].delete_many({"state": "waiting"})


async def crowd(
    container: Container, entry: dict[str, str], *, services: list[UUID], passed: bool = False, number: int = CROWD
) -> None:
    """Store entries of many customers that joined before the entry and wait for the same window."""
    stored = await container.database["waitlist"].find_one({"_id": UUID(entry["id"])})
    assert stored is not None
    barber_id = stored["barber_id"]
    shop = await container.get(BarberService).get(barber_id)
    everyone = [
        WaitlistEntry(
            id=new_id(),
            customer_id=uuid4(),
            barber_id=None if index % 8 == 0 else barber_id,
            area=Area(shop.location, 5) if index % 8 == 0 else None,
            service_ids=services,
            earliest=stored["earliest"],
            latest=stored["latest"],
            passed=[DeclinedSlot(barber_id, stored["earliest"])] if passed else [],
            joined_at=stored["joined_at"] - timedelta(hours=1),
        )
        for index in range(number)
    ]
    await container.database["waitlist"].insert_many([to_document(one) for one in everyone])


async def test_freed_time_skips_entries_for_services_that_are_not_offered(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, booking = await book_by_new_customer(http, shop)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    await crowd(container, entry, services=[uuid4()])
    await free_time(http, container, early.auth, booking)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == booking["scheduled_at"]


async def test_freed_time_reaches_the_end_of_a_long_list_by_further_searches(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, booking = await book_by_new_customer(http, shop)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    await crowd(container, entry, services=[UUID(shop.services[0][0])], passed=True)
    assert (await move(http, early.auth, booking, "cancel")).status_code == 200
    rest, searches = await container.get(WaitlistMatcher).on_event(await newest_event(container, booking)), 1
    while rest:
        assert (await read_entry(http, waiting, entry))["state"] == "waiting"
        rest, searches = await container.get(WaitlistMatcher).run_search(rest), searches + 1
    assert searches == CROWD // 200 + 1
    assert (await read_entry(http, waiting, entry))["state"] == "offered"


async def test_reconcile_reaches_the_end_of_a_long_list(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    """A run checks a part of the entries, and the searches that it returns reach the end of the list."""
    early, booking = await book_by_new_customer(http, shop)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    await crowd(container, entry, services=[UUID(shop.services[0][0])], passed=True, number=SMALL_CROWD)
    assert (await move(http, early.auth, booking, "cancel")).status_code == 200
    found = [search for _ in range(2) for search in await container.get(WaitlistMatcher).reconcile()]
    for search in found:
        rest: FreedTimeSearch | None = search
        while rest:
            rest = await container.get(WaitlistMatcher).run_search(rest)
    assert (await read_entry(http, waiting, entry))["state"] == "offered"


async def test_customer_that_declined_is_offered_other_times_after_all_others(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    """An offer at 9:05 to the customer that declined 9:00 would take 9:00 from the next customer."""
    early, booking = await book_by_new_customer(http, shop)
    first, second = await register(http), await register(http)
    longer = await join_waitlist(http, first, shop, **window_over(booking) | {"latest": tomorrow(9, 40).isoformat()})
    entry = await join_waitlist(http, second, shop, **window_over(booking))
    await free_time(http, container, early.auth, booking)
    held = await offered_booking(http, first, longer)
    assert (await move(http, first.auth, held, "decline")).status_code == 200
    services = container.get(BarberService), container.get(BookingQueries), container.get(BookingCreator)
    one_by_one = WaitlistMatcher(container.get(WaitlistRepository), *services, container.clock, entries_per_search=1)
    rest = await one_by_one.on_event(await newest_event(container, held))
    while rest:
        rest = await one_by_one.run_search(rest)
    assert (await offered_booking(http, second, entry))["scheduled_at"] == booking["scheduled_at"]
    assert (await read_entry(http, first, longer))["state"] == "waiting"
