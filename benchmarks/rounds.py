"""Contenders measured in turn, round after round, so that a machine that slows down slows all of them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.bench import Bench
from benchmarks.counters import instructions_are_counted, spent
from benchmarks.load import Loaded, Requests, load
from benchmarks.servers import Server

# A contender that was idle for longer than its cache lives is warmed again before it is measured.
WARM_S = 2
NOT_COUNTED = "not counted here"


@dataclass(frozen=True, slots=True)
class Contender:
    """`requests` gives those for so many seconds; `turn` differs at each call, so that they can be others each time."""

    name: str
    server: Server
    requests: Callable[[str, int], Requests]


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender's round; the server's own CPU time and instructions are per request."""

    loaded: Loaded
    cpu_us: float
    kilo_instructions: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


def quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


Results = Mapping[str, Sequence[Measured]]


def race(bench: Bench, title: str, contenders: Sequence[Contender]) -> Results:
    """All contenders by name, each with its rounds. Load that is not measured precedes all, and each round."""
    results: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
    with bars(bench.console) as progress:
        task = progress.add_task(title, total=(bench.rounds + 1) * len(contenders))
        for number in range(bench.rounds + 1):
            for contender in contenders:
                _warm(bench, contender, f"{title}, warming {number}", bench.seconds if number == 0 else WARM_S)
                if number:
                    results[contender.name].append(_measure(bench, contender, f"{title}, round {number}"))
                progress.advance(task)
    return results


def _warm(bench: Bench, contender: Contender, turn: str, seconds: int) -> None:
    load(bench.loader, contender.server.url, contender.requests(turn, seconds), seconds)


def _measure(bench: Bench, contender: Contender, turn: str) -> Measured:
    requests = contender.requests(turn, bench.seconds)
    work = partial(load, bench.loader, contender.server.url, requests, bench.seconds)
    loaded, cost = spent(contender.server.pid, work)
    instructions = None if cost.instructions is None else cost.instructions / loaded.requests / 1000
    return Measured(loaded, cost.cpu_s / loaded.requests * 1e6, instructions)


def rates(results: Results, name: str) -> Spread:
    return Spread.of([measured.loaded.rate for measured in results[name]])


def ratio(results: Results, name: str, other: str) -> Spread:
    """How many times as fast `name` was as `other`, compared round by round."""
    pairs = zip(results[name], results[other], strict=True)
    return Spread.of([one.loaded.rate / two.loaded.rate for one, two in pairs])


def instruction_ratio(results: Results, name: str, other: str) -> Spread | None:
    pairs = zip(results[name], results[other], strict=True)
    counted = [
        one.kilo_instructions / two.kilo_instructions
        for one, two in pairs
        if one.kilo_instructions and two.kilo_instructions
    ]
    return Spread.of(counted) if counted else None


COLUMNS = [
    "",
    "requests/s, median (min to max)",
    "p50 ms",
    "p99 ms",
    "server CPU µs/request",
    "1000 instructions/request",
]


def row(results: Results, name: str) -> list[str]:
    """The cells of COLUMNS."""
    rounds = results[name]
    counted = [measured.kilo_instructions for measured in rounds if measured.kilo_instructions is not None]
    return [
        name,
        rates(results, name).text(),
        f"{statistics.median(measured.loaded.p50_ms for measured in rounds):,.1f}",
        f"{statistics.median(measured.loaded.p99_ms for measured in rounds):,.1f}",
        f"{statistics.median(measured.cpu_us for measured in rounds):,.0f}",
        f"{statistics.median(counted):,.0f}" if instructions_are_counted() and counted else NOT_COUNTED,
    ]


def bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
