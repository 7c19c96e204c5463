"""Test the search for free barbers in a window: equal to the slot lists, with two queries in total."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from config.settings import Settings
from grome.availability.service import AvailabilityService
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.common.clock import system_clock
from grome.composition import open_container
from grome.infrastructure.container import Container
from tests.builders.barbers import ALWAYS_OPEN, Barber, barber, catalogue_service
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.hours import weekly_hours
from tests.builders.people import register
from tests.conftest import AdjustableClock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)


async def is_free(
    container: Container, shop: Barber, start: datetime, end: datetime, service: str | None = None
) -> bool:
    service_id = UUID(service) if service else None
    free = await container.get(AvailabilityService).find_free_barbers([shop.person.id, uuid4()], start, end, service_id)
    assert free <= {shop.person.id}
    return bool(free)


@pytest.fixture
async def noon_shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber open from 10:00 to 14:00 UTC, with visits of 60 and 30 minutes every 30 minutes."""
    opening = {"is_available": True, "start_time": "10:00", "end_time": "14:00"}
    hours = dict.fromkeys(ALWAYS_OPEN, opening)
    rules = {"slot_step_min": 30, "horizon_days": 3}
    return await barber(http, container, durations=(60, 30), hours=hours, rules=rules, timezone="Etc/UTC")


@pytest.mark.parametrize(
    ("start", "end", "durations"),
    [
        (tomorrow(10), tomorrow(10, 30), {30}),
        (tomorrow(10), tomorrow(11), {30, 60}),
        (tomorrow(9), tomorrow(10, 29), set()),
        (tomorrow(10) + SECOND, tomorrow(11), {30}),
        (tomorrow(10) + SECOND, tomorrow(11) - SECOND, set()),
        (tomorrow(13, 15), tomorrow(20), {30}),
        (tomorrow(13, 30), tomorrow(13, 50), set()),
        (tomorrow(14), tomorrow(14) + 20 * HOUR, set()),
        (tomorrow(14), tomorrow(14) + 21 * HOUR, {30, 60}),
        (tomorrow(10) - 30 * DAY, tomorrow(8), set()),  # the clock stands after closing time
        (tomorrow(10) - 30 * DAY, tomorrow(12), {30, 60}),
        (tomorrow(10) + 2 * DAY, tomorrow(11) + 2 * DAY, {30, 60}),
        (tomorrow(10) + 3 * DAY, tomorrow(11) + 6 * DAY, set()),
        (tomorrow(11), tomorrow(10), set()),
    ],
)
async def test_free_barber_needs_a_visit_wholly_in_the_window(
    container: Container, clock: AdjustableClock, noon_shop: Barber, start: datetime, end: datetime, durations: set[int]
) -> None:
    clock.set(tomorrow(15) - DAY)
    free = {
        minutes for service, minutes in noon_shop.services if await is_free(container, noon_shop, start, end, service)
    }
    assert free == durations
    assert await is_free(container, noon_shop, start, end) == (30 in durations)


async def test_barber_without_the_service_is_not_free(http: httpx.AsyncClient, container: Container) -> None:
    shop, idle = await barber(http, container), await barber(http, container, durations=())
    window = tomorrow(10), tomorrow(12)
    assert await container.get(AvailabilityService).find_free_barbers([], *window, None) == frozenset()
    ids = [idle.person.id, shop.person.id, shop.person.id]
    assert await container.get(AvailabilityService).find_free_barbers(ids, *window, None) == {shop.person.id}
    assert await container.get(AvailabilityService).find_free_barbers(ids, *window, uuid4()) == frozenset()


async def test_barber_is_not_free_while_the_time_is_taken(http: httpx.AsyncClient, container: Container) -> None:
    """Buffers count although they lie outside the window: the visit's own and those of adjacent visits."""
    shop = await barber(http, container, rules={"buffer_before_min": 15, "buffer_after_min": 10})
    customer = await register(http)
    window = tomorrow(10), tomorrow(10, 30)
    for start in (tomorrow(9, 10), tomorrow(10), tomorrow(10, 50)):
        assert await is_free(container, shop, *window)
        booking = await book(http, customer, shop, start)
        assert not await is_free(container, shop, *window)
        await move(http, customer.auth, booking, "cancel")
    for start in (tomorrow(9, 5), tomorrow(10, 55)):
        await book(http, customer, shop, start)
        assert await is_free(container, shop, *window)


async def test_search_uses_two_queries_that_read_only_the_window(
    http: httpx.AsyncClient, container: Container, settings: Settings
) -> None:
    """Reads the profiler of the database. Without the hint, the planner would choose an index without times."""
    shops, customer = [await barber(http, container) for _ in range(3)], await register(http)
    for shop in shops:
        for hour in range(4, 16):
            await book(http, customer, shop, tomorrow(hour))
    other_process = await open_container(settings)  # one that has none of the barbers in memory
    await container.database.command("profile", 2)
    ids = [shop.person.id for shop in shops]
    free = await other_process.get(AvailabilityService).find_free_barbers(ids, tomorrow(5), tomorrow(15), None)
    await container.database.command("profile", 0)
    ran = await container.database["system.profile"].find({"ns": {"$regex": "barbers$|bookings$"}}).sort("ts").to_list()
    await container.database.drop_collection("system.profile")
    await other_process.close()

    assert free == set(ids)
    assert [(one["ns"].rpartition(".")[2], one["planSummary"]) for one in ran] == [
        ("barbers", "IXSCAN { _id: 1 }"),
        ("bookings", "IXSCAN { barber_id: 1, ticks: 1 }"),
    ]
    assert ran[1]["docsExamined"] == 10 * len(shops)


async def test_search_yields_to_other_requests_between_two_barbers(
    http: httpx.AsyncClient, container: Container
) -> None:
    turns = 0

    class Bookings(BookingQueries):
        async def get_occupied_ticks_by_barber(
            self, barber_ids: Sequence[UUID], first: int, end: int
        ) -> dict[UUID, frozenset[int]]:
            nonlocal turns
            found = await super().get_occupied_ticks_by_barber(barber_ids, first, end)
            turns = 0
            return found

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ids = [(await barber(http, container)).person.id for _ in range(5)]
    bookings = Bookings(BookingRepository(container.database), system_clock)
    availability = AvailabilityService(container.get(BarberService), bookings, system_clock)
    task = asyncio.create_task(others())
    free = await availability.find_free_barbers(ids, tomorrow(10), tomorrow(11), None)
    task.cancel()
    assert (len(free), turns) == (5, 5)


def clock_changes(zone: str) -> list[datetime]:
    """Return the instants of the next two clock changes at least some days away, in UTC."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ahead = [this_hour + timedelta(hours=hour) for hour in range(72, 366 * 24)]
    offsets = [moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in ahead]
    return [ahead[n + 1] for n, (one, later) in enumerate(pairwise(offsets)) if one != later][:2]


@dataclass(frozen=True)
class Laid:
    """Describes a barber; `offers` are the minutes of up to two services, `booked` are minutes from now."""

    timezone: str
    hours: dict[str, Any]
    rules: dict[str, Any]
    offers: dict[int, int]
    booked: list[timedelta]


def laid_out(zones: Sequence[str]) -> st.SearchStrategy[Laid]:
    rules = {
        "slot_step_min": st.sampled_from([5, 15, 20, 30, 60]),
        "min_notice_min": st.sampled_from([0, 60, 1440]),
        "horizon_days": st.sampled_from([366, 3, 1]),
        "buffer_before_min": st.sampled_from([0, 5, 30]),
        "buffer_after_min": st.sampled_from([0, 10, 60]),
    }
    return st.builds(
        Laid,
        timezone=st.sampled_from(zones),
        hours=weekly_hours().map(msgspec.to_builtins),
        rules=st.fixed_dictionaries(rules),
        offers=st.dictionaries(st.sampled_from([0, 1]), st.sampled_from([5, 30, 45, 90, 240]), min_size=0),
        booked=st.lists(st.integers(0, 6 * 288).map(lambda tick: tick * 5 * MINUTE), max_size=6),
    )


async def open_shop(
    http: httpx.AsyncClient, container: Container, laid: Laid, services: list[str], now: datetime
) -> Barber:
    made = await barber(http, container, durations=(), hours=laid.hours, rules=laid.rules, timezone=laid.timezone)
    shop = Barber(made.person, [(services[number], minutes) for number, minutes in laid.offers.items()])
    offers = [{"service_id": service, "price": 100, "duration_min": minutes} for service, minutes in shop.services]
    response = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=shop.auth)
    assert response.status_code == 200, response.text
    customer = await register(http)
    for ahead in laid.booked if shop.services else []:
        await ask(http, customer, shop, now + ahead)  # refused where the barber is closed or taken
    return shop


async def listed(
    http: httpx.AsyncClient, shop: Barber, service: str | None, first: date
) -> list[tuple[datetime, datetime]]:
    """Return the slots of two weeks for the service, or for the shortest service."""
    offered = [(minutes, name) for name, minutes in shop.services if service in (None, name)]
    if not offered:
        return []
    query = {"from": str(first), "to": str(first + 14 * DAY), "service_ids": min(offered)[1]}
    response = await http.get(f"/v1/barbers/{shop.id}/slots", params=query)
    assert response.status_code == 200, response.text
    slots = [slot for day in response.json()["days"] for slot in day["slots"]]
    return [(datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"])) for slot in slots]


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Kiritimati", "Etc/GMT+12")
CHANGES = [
    pytest.param(change, id=f"{zone} {change.date()}")
    for zone in ("Europe/Berlin", "Australia/Lord_Howe")
    for change in clock_changes(zone)
]


@pytest.mark.parametrize("change", CHANGES)
# Not shrunk: an example takes about a hundred requests, and is readable as drawn.
@settings(max_examples=6, phases=[Phase.reuse, Phase.generate])
@given(data=st.data())
async def test_free_barbers_are_those_with_a_listed_slot_in_the_window(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, change: datetime, data: st.DataObject
) -> None:
    # A minute after the hour, so that no tick begins during the comparison.
    now = change - data.draw(st.integers(1, 80)) * HOUR + MINUTE
    clock.set(now)
    services = [await catalogue_service(container) for _ in range(2)]
    shops = [
        await open_shop(http, container, laid, services, now - MINUTE)
        for laid in data.draw(st.lists(laid_out(ZONES), min_size=3, max_size=3))
    ]
    for service in (None, *services):
        slots = {shop.person.id: await listed(http, shop, service, now.date() - 3 * DAY) for shop in shops}
        edges = sorted({edge for listed_slots in slots.values() for slot in listed_slots for edge in slot}) or [now]
        for _ in range(10):
            start, end = data.draw(windows(edges, now))
            free = await container.get(AvailabilityService).find_free_barbers(
                list(slots), start, end, UUID(service) if service else None
            )
            assert free == {
                shop
                for shop, listed_slots in slots.items()
                if any(start <= begins and ends <= end for begins, ends in listed_slots)
            }


@st.composite
def windows(draw: st.DrawFn, edges: list[datetime], now: datetime) -> tuple[datetime, datetime]:
    """Draw windows of 3 hours to a week within the listed dates, mostly starting close to a slot."""
    near = st.builds(
        lambda edge, off: edge + off, st.sampled_from(edges), st.sampled_from([0 * SECOND, SECOND, -SECOND])
    )
    start = draw(near | st.integers(-60, 200).map(lambda hours: now + hours * HOUR))
    lengths = st.sampled_from([5 * MINUTE, 30 * MINUTE, 45 * MINUTE, 3 * HOUR, DAY, 7 * DAY])
    return start, min(start + draw(lengths), now + 10 * DAY)
