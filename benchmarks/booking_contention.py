"""Thousands of customers race for one barber's day, through HTTP and several API workers, on real servers.

    .venv/bin/python benchmarks/booking_contention.py --calls 5000

Starts its own mongod, Valkey and Grome in a temporary folder and ends them. Exits with 1 if anything overlaps, a
booking that was answered 201 is not stored, the day is not full, or a loser got anything but 409 `slot_taken`.
"""

import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import httpx
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from config.settings import Settings, load_settings
from grome.accounts.tokens import keep_signing_key
from grome.context import AppContext
from grome.embedded import embedded_servers
from tests.builders.barbers import barber
from tests.builders.people import Person, register
from tests.running import Running, running_grome
from tests.storm import (
    DURATIONS,
    HOURS,
    Wish,
    anything,
    nothing_else_fits,
    nothing_overlaps,
    rivals,
    stored_bookings,
    storm,
)

console = Console(highlight=False, width=120)


@dataclass(frozen=True)
class Race:
    """`winners` is how many can win, None where that depends on who comes first."""

    name: str
    wishes: list[Wish]
    winners: int | None


@click.command()
@click.option("--calls", default=5_000, show_default=True, help="Create calls in each race.")
@click.option("--customers", default=100, show_default=True, help="Accounts that make them.")
@click.option("--workers", default=2, show_default=True, help="API worker processes.")
@click.option("--seed", default=1, show_default=True, help="Seed of the free race's wishes.")
def main(calls: int, customers: int, workers: int, seed: int) -> None:
    with TemporaryDirectory() as folder, embedded_servers(Path(folder)) as servers:
        settings = _settings(Path(folder), servers.mongo_url or "", servers.redis_url or "")
        with running_grome(settings, Path(folder), workers=workers) as grome:
            races = [
                Race("one slot, 40 calls", [Wish(9 * 60, 60)] * 40, winners=1),
                Race(f"rivals of each hour, {calls:,} calls", rivals(calls), winners=min(HOURS, calls)),
                Race(f"any start, any length, {calls:,} calls", anything(calls, seed), winners=None),
            ]
            sound = asyncio.run(_race_all(settings, grome, races, customers))
    sys.exit(0 if sound else 1)


def _settings(home: Path, mongo_url: str, redis_url: str) -> Settings:
    """Those of the tests, so that making a hundred accounts does not take half a minute of bcrypt."""
    base = load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)})
    return msgspec.structs.replace(
        base,
        accounts=msgspec.structs.replace(base.accounts, signing_key=keep_signing_key(home)),
        mongo=msgspec.structs.replace(base.mongo, url=mongo_url),
        redis=msgspec.structs.replace(base.redis, url=redis_url),
    )


async def _race_all(settings: Settings, grome: Running, races: list[Race], customers: int) -> bool:
    context = await AppContext.open(settings)
    table = Table("race", "won", "can win", "lost", "other answers", "overlaps", "not stored", "full", "calls/s")
    sound = True
    async with httpx.AsyncClient(base_url=grome.url, timeout=120) as http:
        with Progress(console=console) as progress:
            making = progress.add_task("customers", total=customers)
            crowd = []
            for _ in range(customers):
                crowd.append(await register(http))
                progress.advance(making)
            for race in races:
                row, fine = await _run(race, http, context, crowd, progress)
                table.add_row(*row)
                sound = sound and fine
    await context.close()
    console.print(table)
    return sound


async def _run(
    race: Race, http: httpx.AsyncClient, context: AppContext, crowd: list[Person], progress: Progress
) -> tuple[list[str], bool]:
    shop = await barber(http, context, durations=DURATIONS, timezone="UTC")
    task = progress.add_task(race.name, total=len(race.wishes))
    started = time.perf_counter()
    told = await storm(str(http.base_url), shop, crowd, race.wishes, done=lambda: progress.advance(task))
    spent = time.perf_counter() - started

    won = [one for one in told if one.status == 201]
    lost = [one for one in told if (one.status, one.code) == (409, "slot_taken")]
    others = Counter(one.status for one in told if one not in won and one not in lost)
    stored = {booking["id"] for booking in await stored_bookings(http, shop)}
    missing = [one for one in won if one.booking_id not in stored]
    overlap_free, full = nothing_overlaps([one.wish for one in won]), nothing_else_fits(told)
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


if __name__ == "__main__":
    main()
