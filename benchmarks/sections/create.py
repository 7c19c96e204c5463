"""Creating bookings: Grome against one raw insert and the peer's transaction, and the race of 40 for one slot."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

import msgspec

from benchmarks.bench import CREATE, CREATE_CLAIMED, Bench
from benchmarks.connections import Connection, raw_request
from benchmarks.load import LoadFailed, Requests
from benchmarks.report import Report, Table
from benchmarks.rounds import COLUMNS, Contender, Results, race, ratio, row
from benchmarks.servers import Server, fastapi_peer, insert_floor
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import new_customers, prepared
from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository
from grome.bookings.key_indexes import KeyIndexes
from grome.dev.demo.barbers import barbers_of
from grome.dev.demo.cities import find_cities
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours

PATH: Final = "/v1/bookings"
FLOOR, PEER = "floor: one majority insert", "peer: FastAPI, find overlap and insert in a transaction"
SINGLE, GROUPED = "Grome, one insert a booking", "Grome, group commit (default)"
CLAIMED: Final = "Grome, group commit, keys claimed as on shards"
CONTENDING: Final = 40
RACES: Final = 10
# More than any of them makes in a second.
_MOST_A_SECOND: Final = 12_000
_BARBERS: Final = 400
_BODY: Final = '{"barber_id":"%s","service_ids":["%s"],"scheduled_at":"%s"}'
_SLOT: Final = timedelta(minutes=30)
_ALL_DAY: Final = DayHours(is_available=True, start_time="00:00", end_time="24:00")


def run(bench: Bench) -> Report:
    slots, tokens = _lay(bench, CREATE)
    claimed = _lay(bench, CREATE_CLAIMED)
    run_async(_prepare_shards(bench))
    data = bench.data(CREATE)
    with ExitStack() as stack:
        servers = {
            FLOOR: stack.enter_context(insert_floor(data, cpu=bench.core)),
            SINGLE: stack.enter_context(bench.grome(SINGLE, CREATE, GROME_BOOKINGS_GROUP_COMMIT="false")),
            GROUPED: stack.enter_context(bench.grome(GROUPED, CREATE, GROME_BOOKINGS_GROUP_COMMIT="true")),
            CLAIMED: stack.enter_context(bench.grome(CLAIMED, CREATE_CLAIMED, GROME_MONGO_SHARDED_BOOKINGS="true")),
            PEER: stack.enter_context(fastapi_peer(data, cpu=bench.core)),
        }
        contenders = [
            Contender(name, server, partial(creations, *(claimed if name == CLAIMED else (slots, tokens))))
            for name, server in servers.items()
        ]
        results = race(bench, "Creating bookings", contenders)
        races = [_contend(name, servers[name], slots, tokens) for name in (SINGLE, GROUPED, PEER)]
    speeds = Table("Create: distinct slots, every answer a 201", COLUMNS, [row(results, name) for name in servers])
    tables = [targets_table("Create: figures to reach", _targets(results)), speeds, _contention_table(races)]
    return Report(tables, sound=all(won == 1 for one in races[:2] for won in one.won))


def _targets(results: Results) -> list[Target]:
    return [
        Target("Grome, one insert a booking ÷ floor", ratio(results, SINGLE, FLOOR), least=0.7),
        Target("Grome with group commit ÷ floor", ratio(results, GROUPED, FLOOR), least=1.3),
        Target("Grome, keys claimed ÷ Grome by default", ratio(results, CLAIMED, GROUPED), least=0.5),
        Target("Grome by default ÷ peer", ratio(results, GROUPED, PEER), least=5, digits=1),
    ]


# ---- slots to book


class Slots:
    """Half-hours of always open barbers. Each is given out once, barber after barber in turn."""

    def __init__(self, barbers: Sequence[Barber]) -> None:
        self._barbers = barbers
        self._first = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), time(), UTC)
        self._given = 0

    def take(self) -> tuple[int, UUID, UUID, str]:
        """The slot's number, its barber, the service to book, and its start."""
        number, self._given = self._given, self._given + 1
        turn, place = divmod(number, len(self._barbers))
        barber = self._barbers[place]
        start = self._first + turn * _SLOT
        return number, barber.id, barber.services[0].service_id, f"{start:%Y-%m-%dT%H:%M:%SZ}"


def barbers_open_all_day() -> list[Barber]:
    """Return barbers that are open all day, every day, in half-hours."""
    (city,) = find_cities(("Berlin",))
    always = WeeklyHours(_ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY)
    return [
        msgspec.structs.replace(
            barber,
            timezone="UTC",
            services=[msgspec.structs.replace(barber.services[0], duration_min=30)],
            availability=always,
            rules=BookingRules(slot_step_min=30, min_notice_min=0, horizon_days=366),
        )
        for _, barber in islice(barbers_of(city, _BARBERS, random_seed=1), _BARBERS)
    ]


async def lay_barbers(bench: Bench, database: str) -> list[Barber]:
    """Store the barbers that are always open."""
    barbers = barbers_open_all_day()
    async with prepared(bench, database) as container:
        await BarberRepository(container.database).add_many(barbers)
    return barbers


def _lay(bench: Bench, database: str) -> tuple[Slots, list[str]]:
    """Return the slots of new barbers, and tokens of new customers."""
    return Slots(run_async(lay_barbers(bench, database))), run_async(new_customers(bench, database, CONTENDING))


async def _prepare_shards(bench: Bench) -> None:
    async with prepared(bench, CREATE_CLAIMED) as container:
        await container.get(KeyIndexes).replace()


def creations(slots: Slots, tokens: Sequence[str], _turn: str, seconds: int) -> Requests:
    """Each from the next customer in turn and under a key of its own."""
    parts = []
    for _ in range(seconds * _MOST_A_SECOND):
        number, barber_id, service_id, start = slots.take()
        body = _BODY % (barber_id, service_id, start)
        parts.append(
            f"Bearer {tokens[number % len(tokens)]}\r\nIdempotency-Key: bench-{number}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
    before = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: "
    return Requests(before, parts, "", status=201, once=True)


# ---- forty for one slot


@dataclass(frozen=True, slots=True)
class Contended:
    """Return for each slot the number of requests for it that got 201."""

    name: str
    won: list[int]


def _contend(name: str, server: Server, slots: Slots, tokens: Sequence[str]) -> Contended:
    """Raises LoadFailed for an answer that is neither 201 nor 409."""
    told = [run_async(_ask_at_once(server.url, slots, tokens)) for _ in range(RACES)]
    if any(statuses.keys() - {201, 409} for statuses in told):
        raise LoadFailed(f"{name} answered {sum(told, Counter())} to {CONTENDING} who wanted one slot")
    return Contended(name, [statuses[201] for statuses in told])


async def _ask_at_once(url: str, slots: Slots, tokens: Sequence[str]) -> Counter[int]:
    """All connections are open before the first request leaves."""
    number, barber_id, service_id, start = slots.take()
    wanted = {"barber_id": barber_id, "service_ids": [service_id], "scheduled_at": start}
    requests = [
        raw_request("POST", PATH, {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{number}"}, wanted)
        for token in tokens
    ]
    connections = [await Connection.open(url) for _ in requests]
    answers = await asyncio.gather(*(one.ask(request) for one, request in zip(connections, requests, strict=True)))
    for connection in connections:
        await connection.close()
    return Counter(answer.status for answer in answers)


def _contention_table(races: list[Contended]) -> Table:
    columns = ["", *(f"slot {number}" for number in range(1, RACES + 1))]
    rows = [[one.name, *map(str, one.won)] for one in races]
    return Table(f"{CONTENDING} concurrent creates of one and the same slot: how many were answered 201", columns, rows)
