"""500 concurrent creates of many customers against one barber's day, over HTTP, through two API workers."""

import asyncio

import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.people import Person, register
from tests.support.contention import (
    DURATIONS,
    HOURS,
    AttemptResult,
    BookingAttempt,
    create_concurrently,
    losers_overlap_winners,
    none_overlap,
    random_attempts,
    rival_attempts,
    stored_bookings,
)
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome

CALLS = 500


@pytest.fixture
async def crowd(running: RunningGrome) -> list[Person]:
    async with http_client(running.url, timeout_s=60) as http:
        return list(await asyncio.gather(*(register(http) for _ in range(25))))


@pytest.mark.parametrize(
    ("wishes", "winners"),
    [(rival_attempts(CALLS), HOURS), (random_attempts(CALLS, seed=1), None)],
    ids=["rivals", "anything"],
)
async def test_concurrent_bookings_fill_the_day_without_overlaps(
    running: RunningGrome, container: Container, crowd: list[Person], wishes: list[BookingAttempt], winners: int | None
) -> None:
    async with http_client(running.url, timeout_s=60) as http:
        shop = await barber(http, container, durations=DURATIONS, timezone="UTC")
        told = await create_concurrently(running.url, shop, crowd, wishes)
        stored = await stored_bookings(http, shop)

    won = [one for one in told if one.status == 201]
    lost = [one for one in told if one.status != 201]
    assert {(one.status, one.code) for one in lost} == {(409, "slot_taken")}
    assert none_overlap([one.attempt for one in won])
    assert losers_overlap_winners(told)
    assert sorted(booking["id"] for booking in stored) == sorted(_ids(won))
    if winners is not None:
        assert len(won) == winners


def _ids(won: list[AttemptResult]) -> list[str]:
    return [one.booking_id for one in won if one.booking_id]
