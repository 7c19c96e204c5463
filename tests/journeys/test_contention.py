"""Many customers want one barber's day at once, over HTTP, through two API workers (issue: 500 concurrent creates)."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from grome.context import AppContext
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, register
from tests.running import Running

DURATIONS = (15, 20, 30, 45, 60)
# Per hour: (minutes after the hour, duration). All of them hold the minutes from :30 to :35 and none leaves its hour, so
# any two of one hour overlap (same start, same end, one inside the other, overlapping by a part) and no two of different
# hours do: exactly one of each hour can win.
WISHES = ((0, 60), (0, 45), (5, 30), (10, 45), (15, 30), (15, 20), (20, 15), (25, 20), (30, 30), (30, 15), (15, 45))
HOURS = 24


@pytest.fixture
async def crowd(running: Running) -> list[Person]:
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as http:
        return list(await asyncio.gather(*(register(http) for _ in range(25))))


async def test_500_creates_for_one_day(running: Running, context: AppContext, crowd: list[Person]) -> None:
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as http:
        shop = await barber(http, context, durations=DURATIONS, timezone="UTC")
        answers = await storm(http, shop, crowd, calls=500)

        assert Counter(answer.status_code for answer in answers) == {201: HOURS, 409: 500 - HOURS}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slot_taken"}
        booked = await active_bookings(http, shop)
    assert sorted(booking["id"] for booking in booked) == sorted(
        answer.json()["id"] for answer in answers if answer.status_code == 201
    )
    spans = sorted((booking["scheduled_at"], booking["ends_at"]) for booking in booked)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


async def storm(http: httpx.AsyncClient, shop: Barber, crowd: list[Person], *, calls: int) -> list[httpx.Response]:
    """All calls at once, each wish of each hour wanted by several customers."""
    day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
    service_of = {duration: service_id for service_id, duration in shop.services}

    async def create(number: int) -> httpx.Response:
        hour, (minute, duration) = number % HOURS, WISHES[(number // HOURS) % len(WISHES)]
        wanted = {
            "barber_id": shop.id,
            "service_ids": [service_of[duration]],
            "scheduled_at": (day + timedelta(hours=hour, minutes=minute)).isoformat(),
        }
        customer = crowd[number % len(crowd)]
        headers = {**customer.auth, "Idempotency-Key": f"storm-{shop.id}-{number}"}
        return await http.post("/v1/bookings", json=wanted, headers=headers)

    return list(await asyncio.gather(*(create(number) for number in range(calls))))


async def active_bookings(http: httpx.AsyncClient, shop: Barber) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "100", "status": "requested", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/v1/bookings", params=params, headers=shop.auth)).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
