"""No account starves a town: a freed time passes over entries that it does not concern, however long the list is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from grome.common.ids import new_id
from grome.composition import AppContext
from grome.infrastructure.mongo.client import to_document
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import Area, DeclinedSlot, FreedTimeSearch, WaitlistEntry
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import move, tomorrow
from tests.builders.people import register
from tests.builders.waitlist import freed, join, newest, offered, one_taken, read, window_of

CROWD = 450
SMALL_CROWD = 210


@pytest.fixture
async def shop(http: httpx.AsyncClient, context: AppContext) -> Barber:
    return await barber(http, context, rules={"auto_accept": True}, location={"lat": -33.0, "lng": 44.0})


@pytest.fixture(autouse=True)
async def _no_crowd_is_left(context: AppContext) -> AsyncIterator[None]:
    yield
    await context.database["waitlist"].delete_many({"state": "waiting"})


async def crowd(
    context: AppContext, entry: dict[str, str], *, services: list[UUID], passed: bool = False, number: int = CROWD
) -> None:
    """Entries of many customers who joined before the entry and wait for the same window around."""
    stored = await context.database["waitlist"].find_one({"_id": UUID(entry["id"])})
    assert stored is not None
    barber_id = stored["barber_id"]
    shop = await context.barbers.get(barber_id)
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
    await context.database["waitlist"].insert_many([to_document(one) for one in everyone])


async def test_wishes_for_what_the_barber_does_not_offer_are_not_in_the_way(
    http: httpx.AsyncClient, context: AppContext, shop: Barber
) -> None:
    early, booking = await one_taken(http, shop)
    waiting = await register(http)
    entry = await join(http, waiting, shop, **window_of(booking))
    await crowd(context, entry, services=[uuid4()])
    await freed(http, context, early.auth, booking)
    assert (await offered(http, waiting, entry))["scheduled_at"] == booking["scheduled_at"]


async def test_a_list_longer_than_one_search_is_gone_through_by_further_ones(
    http: httpx.AsyncClient, context: AppContext, shop: Barber
) -> None:
    early, booking = await one_taken(http, shop)
    waiting = await register(http)
    entry = await join(http, waiting, shop, **window_of(booking))
    await crowd(context, entry, services=[UUID(shop.services[0][0])], passed=True)
    assert (await move(http, early.auth, booking, "cancel")).status_code == 200
    rest, searches = await context.waitlist_matcher.on_event(await newest(context, booking)), 1
    while rest:
        assert (await read(http, waiting, entry))["state"] == "waiting"
        rest, searches = await context.waitlist_matcher.run_search(rest), searches + 1
    assert searches == CROWD // 200 + 1
    assert (await read(http, waiting, entry))["state"] == "offered"


async def test_entry_behind_a_crowd_is_reached_by_healing(
    http: httpx.AsyncClient, context: AppContext, shop: Barber
) -> None:
    """A run looks at a part of all who wait, and the searches that it hands on come to the end of the list."""
    early, booking = await one_taken(http, shop)
    waiting = await register(http)
    entry = await join(http, waiting, shop, **window_of(booking))
    await crowd(context, entry, services=[UUID(shop.services[0][0])], passed=True, number=SMALL_CROWD)
    assert (await move(http, early.auth, booking, "cancel")).status_code == 200
    found = [search for _ in range(2) for search in await context.waitlist_matcher.reconcile()]
    for search in found:
        rest: FreedTimeSearch | None = search
        while rest:
            rest = await context.waitlist_matcher.run_search(rest)
    assert (await read(http, waiting, entry))["state"] == "offered"


async def test_the_person_who_turned_a_time_down_is_asked_when_all_others_have_been(
    http: httpx.AsyncClient, context: AppContext, shop: Barber
) -> None:
    """9:05 would suit the person who said no to 9:00, and take 9:00 from the next one."""
    early, booking = await one_taken(http, shop)
    first, second = await register(http), await register(http)
    longer = await join(http, first, shop, **window_of(booking) | {"latest": tomorrow(9, 40).isoformat()})
    entry = await join(http, second, shop, **window_of(booking))
    await freed(http, context, early.auth, booking)
    held = await offered(http, first, longer)
    assert (await move(http, first.auth, held, "decline")).status_code == 200
    services = context.barbers, context.bookings, context.booking_creation
    one_by_one = WaitlistMatcher(context.stored_waitlist, *services, context.clock, entries_per_search=1)
    rest = await one_by_one.on_event(await newest(context, held))
    while rest:
        rest = await one_by_one.run_search(rest)
    assert (await offered(http, second, entry))["scheduled_at"] == booking["scheduled_at"]
    assert (await read(http, first, longer))["state"] == "waiting"
