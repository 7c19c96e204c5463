"""Test daily caps of barbers and services under concurrent requests."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.scheduling.daily_caps import cap_on_service, cap_on_visits, count_seats, seat_ticks
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, register
from tests.builders.slots import change, free, offer, refused_for
from tests.conftest import AdjustableClock

DAY = tomorrow(0).date()
LATER = timedelta(days=1)


async def a_shop(http: httpx.AsyncClient, container: Container, cap: int | None, *durations: int) -> Barber:
    """Create an always open barber in UTC, with visits of 30 minutes by default."""
    rules = {"daily_cap": cap, "slot_step_min": 30, "auto_accept": True}
    return await barber(http, container, durations=durations or (30,), rules=rules, timezone="Etc/UTC")


async def outcomes(http: httpx.AsyncClient, shop: Barber, customer: Person, count: int, **asked: Any) -> Counter[str]:
    """Send concurrent booking requests, each for another time of the same day."""
    starts = [tomorrow(0) + number * timedelta(minutes=30) for number in range(count)]
    answers = await asyncio.gather(*(ask(http, customer, shop, start, **asked) for start in starts))
    return Counter("booked" if answer.status_code == 201 else refused_for(answer) for answer in answers)


@pytest.mark.parametrize("cap", [1, 3])
async def test_concurrent_bookings_of_a_day_fill_its_cap_exactly(
    http: httpx.AsyncClient, container: Container, cap: int
) -> None:
    shop, customer = await a_shop(http, container, cap), await register(http)
    assert await outcomes(http, shop, customer, 16) == {"booked": cap, "day_full": 16 - cap}
    assert await free(http, shop, DAY) == []
    assert len(await free(http, shop, DAY + LATER)) == 48
    await book(http, customer, shop, tomorrow(0) + LATER)


async def test_service_cap_applies_in_addition_to_the_barbers_cap(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await a_shop(http, container, 4, 30, 30), await register(http)
    await offer(http, shop, {"rules": {"daily_cap": 2}}, {})
    assert await outcomes(http, shop, customer, 8, services=(0,)) == {"booked": 2, "day_full": 6}
    assert await free(http, shop, DAY, 0) == []
    assert await free(http, shop, DAY, 0, 1) == []
    assert len(await free(http, shop, DAY, 1)) == 46
    for number, expected in ((10, 201), (11, 201), (12, 422)):
        start = tomorrow(0) + number * timedelta(hours=1)
        assert (await ask(http, customer, shop, start, services=(1,))).status_code == expected


async def test_visit_with_two_capped_services_takes_a_seat_of_each(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await a_shop(http, container, None, 30, 30), await register(http)
    await offer(http, shop, {"rules": {"daily_cap": 1}}, {"rules": {"daily_cap": 2}})
    await book(http, customer, shop, tomorrow(9), services=(0, 1))
    assert await free(http, shop, DAY, 0) == []
    await book(http, customer, shop, tomorrow(11), services=(1,))
    assert await free(http, shop, DAY, 1) == []


async def test_cancelled_visit_frees_its_seat_and_completed_visit_keeps_it(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.set(tomorrow(8))
    shop, customer = await a_shop(http, container, 2), await register(http)
    served, cancelled = [await book(http, customer, shop, tomorrow(hour)) for hour in (9, 11)]
    assert await free(http, shop, DAY) == []
    await move(http, customer.auth, cancelled, "cancel")
    assert "11:00" in await free(http, shop, DAY)
    clock.set(tomorrow(8, 10))
    for action in ("start", "complete"):  # before its time: the rest of it is free again
        assert (await move(http, shop.auth, served, action)).status_code == 200
    starts = await free(http, shop, DAY)
    assert "11:00" in starts
    await book(http, customer, shop, tomorrow(11))
    assert await free(http, shop, DAY) == []
    assert refused_for(await ask(http, customer, shop, tomorrow(15))) == "day_full"


async def test_cap_counts_visits_by_the_local_date_of_their_start(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await a_shop(http, container, 1), await register(http)
    await book(http, customer, shop, tomorrow(23, 30))
    await book(http, customer, shop, tomorrow(0) + LATER)
    kolkata = await barber(http, container, rules={"daily_cap": 1}, timezone="Asia/Kolkata")
    await book(http, customer, kolkata, tomorrow(18))  # 23:30
    await book(http, customer, kolkata, tomorrow(18, 30))  # midnight
    assert refused_for(await ask(http, customer, kolkata, tomorrow(19))) == "day_full"
    assert refused_for(await ask(http, customer, kolkata, tomorrow(9))) == "day_full"


async def test_visits_booked_under_a_higher_cap_count_under_a_lower_cap(
    http: httpx.AsyncClient, container: Container
) -> None:
    """Covers any distribution of seats among the earlier visits."""
    shop, customer = await a_shop(http, container, 12), await register(http)
    for hour in range(10, 15):
        await book(http, customer, shop, tomorrow(hour))
    for cap, expected in ((4, {"day_full": 12}), (7, {"booked": 2, "day_full": 10})):
        await change(http, shop, "PUT", "/rules", {"daily_cap": cap, "slot_step_min": 30, "min_notice_min": 0})
        assert await outcomes(http, shop, customer, 12) == expected


async def test_refused_booking_of_a_taken_time_uses_no_seat(http: httpx.AsyncClient, container: Container) -> None:
    """Of many concurrent requests for a slot, exactly one gets the slot and a seat; the others get slot_taken."""
    shop, customer = await a_shop(http, container, 3), await register(http)
    answers = await asyncio.gather(*(ask(http, customer, shop, tomorrow(9)) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert await outcomes(http, shop, customer, 8) == {"booked": 2, "day_full": 6}


# Ids with the lowest, the highest and a middle value of the part that selects the seats.
@pytest.mark.parametrize("end_of_id", [0, 2**28 - 1, 2**28 - 2, 3 * (2**28 - 1), 12_345])
def test_seats_of_services_visits_and_days_are_disjoint(end_of_id: int) -> None:
    of_service, of_all = cap_on_service(UUID(int=end_of_id), 200), cap_on_visits(200)
    days = (DAY - LATER, DAY, DAY + LATER)
    numbers = [number for cap in (of_service, of_all) for day in days for number in seat_ticks(cap, day)]
    assert len(set(numbers)) == len(numbers)
    (counted,) = count_seats(seat_ticks(of_service, DAY))
    assert (counted.day, counted.subject) == (DAY.toordinal(), of_service.subject)
    assert counted.subject != of_all.subject
