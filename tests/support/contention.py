"""Many customers book the same day of a barber: the attempts, the calls, and the invariants."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import Person
from tests.support.http_client import http_client

DURATIONS = (15, 20, 30, 45, 60)
HOURS = 24
_DAY_MIN = HOURS * 60
# Minutes after the hour, and duration. All hold the minutes from :30 to :35 and none leaves its hour, so any two of one
# hour overlap (same start, same end, one inside the other, by a part) and no two of different hours do.
_RIVAL_TIMES = (
    (0, 60),
    (0, 45),
    (5, 30),
    (10, 45),
    (15, 30),
    (15, 20),
    (20, 15),
    (25, 20),
    (30, 30),
    (30, 15),
    (15, 45),
)


@dataclass(frozen=True)
class BookingAttempt:
    """Minutes after the day's midnight in UTC, and for how many minutes."""

    start: int
    duration: int

    def overlaps(self, other: "BookingAttempt") -> bool:
        return self.start < other.start + other.duration and other.start < self.start + self.duration


@dataclass(frozen=True)
class AttemptResult:
    """The response to a customer: the status, and the code of the problem or the id of the booking."""

    attempt: BookingAttempt
    status: int
    code: str | None
    booking_id: str | None


def rival_attempts(count: int) -> list[BookingAttempt]:
    """Wishes of which exactly one an hour can win, whichever comes first."""
    return [
        BookingAttempt(60 * (number % HOURS) + minute, duration)
        for number in range(count)
        for minute, duration in [_RIVAL_TIMES[(number // HOURS) % len(_RIVAL_TIMES)]]
    ]


def random_attempts(count: int, seed: int) -> list[BookingAttempt]:
    """Attempts at any tick of the day: the number of winners depends on the order."""
    draw = random.Random(seed)  # noqa: S311 -- a reproducible crowd, not a secret
    durations = [draw.choice(DURATIONS) for _ in range(count)]
    return [BookingAttempt(draw.randrange(0, _DAY_MIN - duration + 1, 5), duration) for duration in durations]


def none_overlap(wishes: Sequence[BookingAttempt]) -> bool:
    ordered = sorted(wishes, key=lambda wish: wish.start)
    return not any(one.overlaps(next_one) for one, next_one in pairwise(ordered))


def losers_overlap_winners(told: Sequence[AttemptResult]) -> bool:
    """Whether the day holds all that it can of these wishes: each that lost overlaps one that won."""
    won = [one.attempt for one in told if one.status == 201]
    return all(any(one.attempt.overlaps(winner) for winner in won) for one in told if one.status != 201)


async def create_concurrently(
    url: str,
    shop: Barber,
    crowd: Sequence[Person],
    wishes: Sequence[BookingAttempt],
    done: Callable[[], None] = lambda: None,
    key: str = "",
) -> list[AttemptResult]:
    """Every wish, each from the next customer in turn, 500 at a time; `done` is called after each answer.
    Calls of one barber with the same `key` repeat each other.

    Each customer has connections of their own, as people do. (One pool for all would be slow: httpx looks at every idle
    connection before each request.)
    """
    gate = asyncio.Semaphore(500)
    day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
    service_of = {duration: service_id for service_id, duration in shop.services}

    async def create(http: httpx.AsyncClient, number: int, wish: BookingAttempt) -> AttemptResult:
        wanted = {
            "barber_id": shop.id,
            "service_ids": [service_of[wish.duration]],
            "scheduled_at": (day + timedelta(minutes=wish.start)).isoformat(),
        }
        headers = {**crowd[number % len(crowd)].auth, "Idempotency-Key": f"{shop.id}-{key}-{number}"}
        async with gate:
            response = await http.post("/v1/bookings", json=wanted, headers=headers)
        body = response.json()
        done()
        return AttemptResult(wish, response.status_code, body.get("code"), body.get("id"))

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(http_client(url, timeout_s=120)) for _ in crowd]
        return list(
            await asyncio.gather(
                *(create(clients[number % len(crowd)], number, wish) for number, wish in enumerate(wishes))
            )
        )


async def stored_bookings(http: httpx.AsyncClient, shop: Barber) -> list[dict[str, str]]:
    """The barber's requested bookings, all pages."""
    found: list[dict[str, str]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "100", "status": "requested", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/v1/bookings", params=params, headers=shop.auth)).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
