"""Nearby at 20,000, 200,000 and 1,000,000 barbers, equally dense: more towns, not fuller ones."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any, Final
from uuid import UUID

from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from benchmarks.bench import GROWTH, Bench
from benchmarks.load import Requests
from benchmarks.places import Place
from benchmarks.report import Report, Table
from benchmarks.rounds import COLUMNS, Contender, Results, bars, race, ratio, row
from benchmarks.sections.nearby import ABOUT_4_KB, requests_for
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import new_customers, prepared
from config.loading import load_settings
from grome.barbers.repository import COLLECTION as BARBERS
from grome.dev.demo.barbers import barbers_of
from grome.dev.demo.cities import find_cities
from grome.infrastructure.mongo.client import Document, to_document

PER_TOWN: Final = 4_000
HALF_KM: Final = 6.5  # half the side of a town's square: 4,000 in 169 km², as thick as the demo's larger cities
FIRST_TOWNS: Final = 5
_ROWS, _COLUMNS = 10, 25  # a town at each whole degree from 45° N, 0° E
_KM_PER_DEGREE: Final = 111.32
_BATCH: Final = 1_000
_MOST_A_SECOND: Final = 30_000
_SAME, _WHOLE = "working set of 5 towns", "all towns"


def run(bench: Bench) -> Report:
    sizes = [size for size in GROWTH if size <= bench.options.largest]
    for size in sizes:
        _lay(bench, size)
    with ExitStack() as stack:
        contenders = []
        for size in sizes:
            (token,) = run_async(new_customers(bench, GROWTH[size], 1))
            for area, towns in ((_SAME, FIRST_TOWNS), (_WHOLE, size // PER_TOWN)):
                grome = stack.enter_context(bench.grome(_name(size, area), GROWTH[size]))
                contenders.append(Contender(_name(size, area), grome, _Asking(towns, token)))
        results = race(bench, "Growth", contenders)
    rows = [row(results, one.name) for one in contenders]
    speeds = Table(f"Growth: nearby, limit {ABOUT_4_KB}, by default", COLUMNS, rows, [_note()])
    return Report([targets_table("Growth: figures to reach", _targets(results, sizes)), speeds])


def _name(size: int, area: str) -> str:
    return f"{size:,} barbers, {area}"


def _targets(results: Results, sizes: list[int]) -> list[Target]:
    first, largest = sizes[0], sizes[-1]
    return [
        Target(
            f"time at {largest:,} ÷ time at {first:,}, {area}",
            ratio(results, _name(first, area), _name(largest, area)),
            most=1.2 if area == _SAME else None,
        )
        for area in (_SAME, _WHOLE)
    ]


def _note() -> str:
    memory = load_settings({}).nearby.memory_mb
    return (
        f"A town is a square of {2 * HALF_KM:g} km with {PER_TOWN:,} barbers. A worker spends at most {memory} MiB on "
        "the map (GROME_NEARBY_MEMORY_MB); where all towns need more, most answers are queries to MongoDB."
    )


class _Asking:
    """Requests from anywhere in the first `towns`."""

    def __init__(self, towns: int, token: str) -> None:
        self._towns, self._token = _towns()[:towns], token

    def __call__(self, turn: str, seconds: int) -> Requests:
        rng = Random(turn)  # noqa: S311 -- reproducible on purpose
        places = [_somewhere(rng.choice(self._towns), rng) for _ in range(_MOST_A_SECOND * seconds)]
        return requests_for(places, ABOUT_4_KB, self._token)


# ---- laying


def _towns() -> list[Place]:
    """Centres, in an order in which every number of towns is spread over all latitudes."""
    grid = [(45.0 + row, 0.0 + column) for row in range(_ROWS) for column in range(_COLUMNS)]
    Random("towns").shuffle(grid)  # noqa: S311 -- as above
    return grid


def _somewhere(town: Place, rng: Random) -> Place:
    north, east = rng.uniform(-HALF_KM, HALF_KM), rng.uniform(-HALF_KM, HALF_KM)
    km_per_degree = _KM_PER_DEGREE * math.cos(math.radians(town[0]))
    return round(town[0] + north / _KM_PER_DEGREE, 6), round(town[1] + east / km_per_degree, 6)


def _lay(bench: Bench, size: int) -> None:
    """Straight into the collection. Waiting for the journal would only slow this down: nothing here is kept."""
    run_async(_migrate(bench, GROWTH[size]))
    written = WriteConcern(w=1, j=False)
    with (
        MongoClient[Document](bench.mongo_url, uuidRepresentation="standard") as mongo,
        bars(bench.console) as progress,
    ):
        barbers = mongo[GROWTH[size]].get_collection(BARBERS.name, write_concern=written)
        task = progress.add_task(f"{size:,} barbers", total=size)
        for batch in _batches(size):
            barbers.insert_many(batch, ordered=False, bypass_document_validation=True)
            progress.advance(task, len(batch))


async def _migrate(bench: Bench, database: str) -> None:
    async with prepared(bench, database):
        pass


def _batches(size: int) -> Iterator[list[Document]]:
    """Barbers of the demo under other ids, names and places."""
    (berlin,) = find_cities(("Berlin",))
    templates = [to_document(barber) for _, barber in barbers_of(berlin, 200, random_seed=1)]
    towns = _towns()
    for start in range(0, size, _BATCH):
        yield [_barber(number, templates, towns[number // PER_TOWN]) for number in range(start, start + _BATCH)]


def _barber(number: int, templates: list[Document], town: Place) -> Document:
    rng = Random(number)  # noqa: S311 -- as above
    lat, lng = _somewhere(town, rng)
    changed: dict[str, Any] = {
        "_id": UUID(int=rng.getrandbits(128), version=4),
        "display_name": f"Barber {number}",
        "location": {"type": "Point", "coordinates": [lng, lat]},
    }
    return {**templates[number % len(templates)], **changed}
