"""Memory of one API worker that holds the whole demo, beside a bare Sanic worker."""

from typing import Final

import psutil

from benchmarks.bench import DEMO, Bench
from benchmarks.load import load
from benchmarks.places import AROUND_DEG, city_centres, uniform
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread
from benchmarks.sections.nearby import requests_for
from benchmarks.servers import Server, constant_floor
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import PER_CITY, lay_demo, new_customers

_MIB: Final = 2**20
_POINTS: Final = 20_000


def run(bench: Bench) -> Report:
    run_async(lay_demo(bench))
    (token,) = run_async(new_customers(bench, DEMO, 1))
    centres = city_centres()
    with constant_floor(b"{}", {}, public_key=None, cpu=bench.core) as bare, bench.grome("Grome", DEMO) as grome:
        _ask(bench, bare, token, 1)
        floor = _memory("bare Sanic worker, after load", bare)
        steps = [_memory("Grome worker, started", grome)]
        for count in (1, len(centres)):
            _ask(bench, grome, token, count)
            steps.append(_memory(f"the same, {_cities(count)} with {count * PER_CITY:,} barbers asked for", grome))
    above = Spread.of([steps[1][1] - floor[1]])
    whole = Spread.of([steps[-1][1] - floor[1]])
    targets = [
        Target("MiB (RSS) above bare Sanic, one city", above, most=80, digits=0),
        Target("the same, all cities", whole, most=80, digits=0),
    ]
    rows = [[name, *(f"{size:,.1f}" for size in sizes)] for name, *sizes in (floor, *steps)]
    table = Table("Memory of a worker in MiB", ["", "RSS", "USS (its own alone)"], rows)
    return Report([targets_table("Memory: figures to reach", targets), table])


def _cities(count: int) -> str:
    return "one city" if count == 1 else f"{count} cities"


def _ask(bench: Bench, server: Server, token: str, cities: int) -> None:
    """Long enough that every place in those cities was asked for."""
    places = uniform(_POINTS, "memory", city_centres()[:cities], AROUND_DEG)
    load(bench.loader, server.url, requests_for(places, None, token), 2 * bench.seconds)


def _memory(name: str, server: Server) -> tuple[str, float, float]:
    told = psutil.Process(server.pid).memory_full_info()
    return name, told.rss / _MIB, told.uss / _MIB
