"""Searches and bookings while 200 sign-ins a second arrive, from many addresses and from a single address."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from benchmarks.bench import STORM, Bench
from benchmarks.connections import Connection, raw_request
from benchmarks.load import LoadFailed
from benchmarks.places import query, uniform
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.sections.create import PATH as BOOKINGS
from benchmarks.sections.create import Slots, lay_barbers
from benchmarks.sections.nearby import ABOUT_4_KB
from benchmarks.sections.nearby import PATH as NEARBY
from benchmarks.stopping import run_async
from benchmarks.world import new_customers
from grome.infrastructure.rate_limits.models import LimitClass

SIGN_INS_A_SECOND: Final = 200
_CONNECTIONS: Final = 100
_PAUSE_S: Final = 0.01  # between an answer and the next request
_BERLIN: Final = (52.52, 13.405)
QUIET, EVERYWHERE, ONE_ADDRESS = "no sign-ins", "storm from many addresses", "storm from one address"
Addresses = Callable[[], str]


@dataclass(slots=True)
class Seen:
    """Milliseconds of searches, bookings and sign-ins, and the statuses of the sign-ins."""

    searches: list[float] = field(default_factory=list)
    bookings: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def run(bench: Bench) -> Report:
    slots = Slots(run_async(lay_barbers(bench, STORM)))
    (token,) = run_async(new_customers(bench, STORM, 1))
    numbers = count()
    storms: dict[str, Addresses | None] = {
        QUIET: None,
        EVERYWHERE: lambda: _address(next(numbers)),
        ONE_ADDRESS: lambda: "203.0.113.7",
    }
    rounds: dict[str, list[Seen]] = {name: [] for name in storms}
    # The limits of sign-ins are those of production.
    with (
        bench.grome("Grome", STORM, limited=frozenset({LimitClass.SIGN_IN}), GROME_HTTP_TRUSTED_PROXIES="1") as server,
        bars(bench.console) as progress,
    ):
        task = progress.add_task("Sign-in storm", total=(bench.rounds + 1) * len(storms))
        for number in range(bench.rounds + 1):
            for name, addresses in storms.items():
                seen = run_async(_play(server.url, slots, token, addresses, bench.seconds))
                if number:  # the first round warms
                    rounds[name].append(seen)
                progress.advance(task)
    columns = ["", "search p50 ms", "search p99 ms", "booking p50 ms", "booking p99 ms", "sign-ins by status"]
    columns.append("refused in ms, p99")
    note = f"{SIGN_INS_A_SECOND} sign-ins a second for unknown accounts, each from a connection that is free."
    table = Table("Sign-in storm", columns, [_row(name, seen) for name, seen in rounds.items()], [note])
    return Report([table])


def _row(name: str, rounds: Sequence[Seen]) -> list[str]:
    cells = [name]
    for pick in (lambda seen: seen.searches, lambda seen: seen.bookings):
        cells += [Spread.of([quantile(pick(seen), percent) for seen in rounds]).text(1) for percent in (50, 99)]
    statuses = sum((seen.statuses for seen in rounds), Counter[int]())
    cells.append(", ".join(f"{status}: {number}" for status, number in sorted(statuses.items())) or "-")
    refused = [quantile(seen.refused, 99) for seen in rounds if seen.refused]
    cells.append(Spread.of(refused).text(1) if refused else "-")
    return cells


async def _play(url: str, slots: Slots, token: str, addresses: Addresses | None, seconds: int) -> Seen:
    """Search and book one after another for so many seconds. Raises LoadFailed for an answer that is not expected."""
    seen, until = Seen(), time.perf_counter() + seconds
    async with _connections(url, 2 + _CONNECTIONS) as opened:
        searching, booking, *others = opened
        work = [_search(searching, token, seen, until), _book(booking, slots, token, seen, until)]
        if addresses:
            work.append(_storm(others, addresses, seen, until))
        await asyncio.gather(*work)
    return seen


async def _search(connection: Connection, token: str, seen: Seen, until: float) -> None:
    for place in uniform(100_000, str(until), [_BERLIN], 0.05):
        if time.perf_counter() > until:
            return
        target = f"{NEARBY}?{query(place, ABOUT_4_KB)}"
        request = raw_request("GET", target, {"Authorization": f"Bearer {token}"})
        seen.searches.append(await _ask(connection, request, 200))
        await asyncio.sleep(_PAUSE_S)


async def _book(connection: Connection, slots: Slots, token: str, seen: Seen, until: float) -> None:
    while time.perf_counter() < until:
        number, barber_id, service_id, start = slots.take()
        wanted = {"barber_id": barber_id, "service_ids": [service_id], "scheduled_at": start}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"storm-{number}"}
        seen.bookings.append(await _ask(connection, raw_request("POST", BOOKINGS, headers, wanted), 201))
        await asyncio.sleep(_PAUSE_S)


async def _ask(connection: Connection, request: bytes, status: int) -> float:
    started = time.perf_counter()
    answer = await connection.ask(request)
    if answer.status != status:
        raise LoadFailed(f"{answer.status} instead of {status}: {answer.body.decode()}")
    return (time.perf_counter() - started) * 1e3


async def _storm(connections: list[Connection], addresses: Addresses, seen: Seen, until: float) -> None:
    """Begin a sign-in every 5 ms, if a connection is free, and wait for all answers at the end."""
    free, tasks, due = list(connections), set[asyncio.Task[None]](), time.perf_counter()
    while due < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if free:
            task = asyncio.create_task(_sign_in(free, addresses(), seen))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        due += 1 / SIGN_INS_A_SECOND
    await asyncio.gather(*tasks)


async def _sign_in(free: list[Connection], address: str, seen: Seen) -> None:
    connection, started = free.pop(), time.perf_counter()
    wanted = {"email": f"nobody-{address}@grome.shop", "password": "not the password"}
    answer = await connection.ask(raw_request("POST", "/v1/auth/login", {"X-Forwarded-For": address}, wanted))
    if answer.status not in {401, 429, 503}:
        raise LoadFailed(f"{answer.status} to a sign-in: {answer.body.decode()}")
    seen.statuses[answer.status] += 1
    if answer.status != 401:
        seen.refused.append((time.perf_counter() - started) * 1e3)
    free.append(connection)


def _address(number: int) -> str:
    """Return an address of a network that no other number has."""
    return f"{1 + number // 65_536 % 200}.{number // 256 % 256}.{number % 256}.7"


@asynccontextmanager
async def _connections(url: str, number: int) -> AsyncIterator[list[Connection]]:
    opened = [await Connection.open(url) for _ in range(number)]
    try:
        yield opened
    finally:
        for connection in opened:
            await connection.close()
