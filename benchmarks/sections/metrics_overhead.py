"""Price of counting a request on the fast path: one process answers with and without it, in many short turns."""

import asyncio
import math
import statistics
import sys
import time
import timeit
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from benchmarks.bench import DEMO, Bench
from benchmarks.connections import Connection
from benchmarks.counting_server import TWICE_PORT, UNCOUNTED_PORT
from benchmarks.load import LoadFailed
from benchmarks.places import hot_spots
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.sections.nearby import ABOUT_4_KB, requests_for
from benchmarks.servers import HOST, Server, free_port
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import lay_demo, new_customers
from grome.infrastructure.http.request_metrics import CountedRoute

NONE, COUNTED, TWICE = "not counted", "counted, as in production", "counted twice"
_TURNS_A_ROUND: Final = 200
_WARMING_TURNS: Final = 20
_CONNECTIONS, _ANSWERS_OF_A_CONNECTION = 16, 30
_ANSWERS_A_TURN: Final = _CONNECTIONS * _ANSWERS_OF_A_CONNECTION
_TIMED: Final = 200_000


def run(bench: Bench) -> Report:
    run_async(lay_demo(bench))
    (token,) = run_async(new_customers(bench, DEMO, 1))
    ports = {UNCOUNTED_PORT: str(free_port()), TWICE_PORT: str(free_port())}
    program = [sys.executable, "-m", "benchmarks.counting_server"]
    with bench.grome("counting server", DEMO, program=program, **ports) as server:
        urls = {
            NONE: f"http://{HOST}:{ports[UNCOUNTED_PORT]}",
            COUNTED: server.url,
            TWICE: f"http://{HOST}:{ports[TWICE_PORT]}",
        }
        costs = run_async(_take_turns(bench, server, urls, token))
    targets = [
        Target("CPU of an answer, counted ÷ not counted", _ratios(costs, COUNTED, NONE), most=1.03, digits=3),
        Target("the same, counted twice ÷ counted", _ratios(costs, TWICE, COUNTED), most=1.03, digits=3),
        Target("one count and its clock by themselves ÷ an answer", _alone(costs[COUNTED]), most=0.03, digits=3),
    ]
    rows = [[name, *_cells(costs[name])] for name in urls]
    columns = ["", "server CPU µs/answer, median", "a quarter below", "a quarter above", "turns"]
    table = targets_table("Count of a request: figures to reach", targets)
    return Report(
        [
            replace(table, columns=["", "median (95 % interval of the median)", *table.columns[2:]]),
            Table("The fast path by its recorder, hot spots", columns, rows),
        ]
    )


async def _take_turns(bench: Bench, server: Server, urls: dict[str, str], token: str) -> dict[str, list[float]]:
    """Return the CPU of an answer in microseconds, by contender and turn. Each turn begins with another contender."""
    asked = requests_for(hot_spots(), ABOUT_4_KB, token)
    requests = [f"{asked.before}{part}{asked.after}".encode() for part in asked.parts]
    costs: dict[str, list[float]] = {name: [] for name in urls}
    names = list(urls)
    opened = {name: [await Connection.open(url) for _ in range(_CONNECTIONS)] for name, url in urls.items()}
    with bars(bench.console) as progress:
        task = progress.add_task("counted or not", total=bench.rounds * _TURNS_A_ROUND)
        for turn in range(-_WARMING_TURNS, bench.rounds * _TURNS_A_ROUND):
            for name in names[turn % 3 :] + names[: turn % 3]:
                before = _cpu_ns(server.pid)
                await asyncio.gather(*(_ask(connection, requests) for connection in opened[name]))
                if turn >= 0:
                    costs[name].append((_cpu_ns(server.pid) - before) / _ANSWERS_A_TURN / 1_000)
            progress.advance(task, int(turn >= 0))
    for connection in chain.from_iterable(opened.values()):
        await connection.close()
    return costs


async def _ask(connection: Connection, requests: Sequence[bytes]) -> None:
    for number in range(_ANSWERS_OF_A_CONNECTION):
        answer = await connection.ask(requests[number % len(requests)])
        if answer.status != 200:
            raise LoadFailed(f"A search was answered {answer.status}")


def _cpu_ns(pid: int) -> int:
    """Return the CPU time of the process's main thread, which runs the event loop, in nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _ratios(costs: dict[str, list[float]], name: str, other: str) -> Spread:
    return _median([one / two for one, two in zip(costs[name], costs[other], strict=True)])


def _alone(counted: Sequence[float]) -> Spread:
    """Time a count without a server, and compare it with the answers."""
    route = CountedRoute("/v1/barbers/nearby", "GET", 200)
    timed = timeit.Timer("route.count(clock() - 0.0)", globals={"route": route, "clock": time.perf_counter})
    micros = min(timed.repeat(5, _TIMED)) / _TIMED * 1e6
    return _median([micros / each for each in counted])


def _median(values: Sequence[float]) -> Spread:
    """Return the median between the ranks that enclose the true one in 95 of 100 samples."""
    ranked, middle = sorted(values), (len(values) - 1) / 2
    reach = 0.98 * math.sqrt(len(values))
    low, high = max(0, math.floor(middle - reach)), min(len(ranked) - 1, math.ceil(middle + reach))
    return Spread(statistics.median(ranked), ranked[low], ranked[high])


def _cells(costs: Sequence[float]) -> list[str]:
    return [*(f"{quantile(costs, percent):.1f}" for percent in (50, 25, 75)), str(len(costs))]
