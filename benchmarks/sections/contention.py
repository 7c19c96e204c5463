"""Thousands of customers race for one barber's day, through HTTP and several API workers, on real servers.

Not sound if anything overlaps, a booking that was answered 201 is not stored, the day is not full, or a loser got
anything but 409 `slot_taken`. Workers run on all cores, and passwords are hashed as in tests: the section counts
winners.
"""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

import httpx
from rich.progress import Progress

from benchmarks.bench import CONTENTION, Bench, on_all_cores
from benchmarks.report import Report, Table
from benchmarks.rounds import bars
from benchmarks.stopping import run_async
from benchmarks.world import prepared
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.people import Person, register
from tests.support.contention import (
    DURATIONS,
    HOURS,
    BookingAttempt,
    create_concurrently,
    losers_overlap_winners,
    none_overlap,
    random_attempts,
    rival_attempts,
    stored_bookings,
)
from tests.support.processes import RunningGrome, running_grome

CALLS: Final = 5_000
CUSTOMERS: Final = 100
WORKERS: Final = 2
_COLUMNS: Final = [
    "race",
    "won",
    "can win",
    "lost",
    "other answers",
    "overlaps",
    "not stored",
    "full",
    "calls/s",
]


@dataclass(frozen=True)
class Race:
    """`winners` is the number of requests that can win; None if it depends on the order of arrival."""

    name: str
    wishes: list[BookingAttempt]
    winners: int | None


def run(bench: Bench) -> Report:
    races = [
        Race("one slot, 40 calls", [BookingAttempt(9 * 60, 60)] * 40, winners=1),
        Race(f"rivals of each hour, {CALLS:,} calls", rival_attempts(CALLS), winners=min(HOURS, CALLS)),
        Race(f"any start, any length, {CALLS:,} calls", random_attempts(CALLS, seed=1), winners=None),
    ]
    settings = bench.settings(CONTENTION)
    with on_all_cores(bench), running_grome(settings, bench.home, workers=WORKERS) as grome:
        return run_async(_race_all(bench, grome, races))


async def _race_all(bench: Bench, grome: RunningGrome, races: list[Race]) -> Report:
    rows: list[list[str]] = []
    sound = True
    async with prepared(bench, CONTENTION) as container, httpx.AsyncClient(base_url=grome.url, timeout=120) as http:
        with bars(bench.console) as progress:
            making = progress.add_task("customers", total=CUSTOMERS)
            crowd = []
            for _ in range(CUSTOMERS):
                crowd.append(await register(http))
                progress.advance(making)
            for race in races:
                row, fine = await _run(race, http, container, crowd, progress)
                rows.append(row)
                sound = sound and fine
    title = f"Contention: {CUSTOMERS} customers for one barber's day, {WORKERS} API workers"
    return Report([Table(title, _COLUMNS, rows)], sound)


async def _run(
    race: Race, http: httpx.AsyncClient, container: Container, crowd: list[Person], progress: Progress
) -> tuple[list[str], bool]:
    shop = await barber(http, container, durations=DURATIONS, timezone="UTC")
    task = progress.add_task(race.name, total=len(race.wishes))
    started = time.perf_counter()
    told = await create_concurrently(str(http.base_url), shop, crowd, race.wishes, done=lambda: progress.advance(task))
    spent = time.perf_counter() - started

    won = [one for one in told if one.status == 201]
    lost = [one for one in told if (one.status, one.code) == (409, "slot_taken")]
    others = Counter(one.status for one in told if one not in won and one not in lost)
    stored = {booking["id"] for booking in await stored_bookings(http, shop)}
    missing = [one for one in won if one.booking_id not in stored]
    overlap_free, full = none_overlap([one.attempt for one in won]), losers_overlap_winners(told)
    row = [
        race.name,
        str(len(won)),
        str(race.winners or "depends on who is first"),
        str(len(lost)),
        str(dict(others) or "none"),
        "none" if overlap_free else "YES",
        str(len(missing)),
        "yes" if full else "NO",
        f"{len(race.wishes) / spent:,.0f}",
    ]
    fine = overlap_free and full and not missing and not others and race.winners in (None, len(won))
    return row, fine and len(stored) == len(won)
