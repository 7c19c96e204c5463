"""Counters, gauges and histograms in the slot of this process.

Labels come from the code and from routes, never from clients, so their number is bounded.
"""

import zlib
from bisect import bisect_left
from collections.abc import Iterator
from multiprocessing import current_process, parent_process
from pathlib import Path
from typing import Final

from loguru import logger

from grome.infrastructure.telemetry.block import Block, OtherFormatError, Slot

_MICRO: Final = 1_000_000
# From 0.5 ms, where answers from memory are, to the patience of a client.
DURATION_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metric:
    """A metric with its labels; a series is a combination of label values.

    With `per_worker`, each process shows series of its own with the label `worker`; otherwise processes are added up.
    The `key` in the shared memory has a hash of the kind, the labels and the buckets. If a release changes those, its
    processes begin series of their own, and ignore the series of older processes under the same main process.
    """

    is_kept_by_successor = True

    def __init__(
        self, name: str, about: str, *labels: str, buckets: tuple[float, ...] = (), per_worker: bool = False
    ) -> None:
        self.name, self.about, self.labels, self.buckets, self.per_worker = name, about, labels, buckets, per_worker
        self.width = len(buckets) + 2 if buckets else 1
        layout = (type(self).__name__, labels, buckets)
        self.key = f"{name}@{zlib.crc32(repr(layout).encode()):08x}"
        self._firsts: dict[tuple[str, ...], int] = {}
        METRICS[name] = self

    def first_cell(self, values: tuple[str, ...]) -> int:
        """Return the first cell of a series, which is made at its first use."""
        first = self._firsts.get(values)
        if first is None:
            first = self._firsts[values] = MEMORY.slot.open((self.key, *values), self.width)
        return first

    def bind(self, firsts: dict[tuple[str, ...], int]) -> None:
        """Use these cells from now on, because the slot has changed."""
        self._firsts = firsts


class Counter(Metric):
    """Counts; its name ends in `_total`."""

    def add(self, *values: str, by: int = 1) -> None:
        MEMORY.slot.cells[self.first_cell(values)] += by


class Gauge(Metric):
    """A number that goes up and down; a process starts with 0."""

    is_kept_by_successor = False

    def add(self, *values: str, by: int) -> None:
        MEMORY.slot.cells[self.first_cell(values)] += by

    def set(self, *values: str, to: int) -> None:
        MEMORY.slot.cells[self.first_cell(values)] = to


class Histogram(Metric):
    """Durations in buckets; the last cells are the bucket without end, and the sum in microseconds."""

    def __init__(
        self,
        name: str,
        about: str,
        *labels: str,
        buckets: tuple[float, ...] = DURATION_BUCKETS,
        per_worker: bool = False,
    ) -> None:
        super().__init__(name, about, *labels, buckets=buckets, per_worker=per_worker)

    def observe(self, seconds: float, *values: str) -> None:
        first, cells = self.first_cell(values), MEMORY.slot.cells
        cells[first + bisect_left(self.buckets, seconds)] += 1
        cells[first + len(self.buckets) + 1] += int(seconds * _MICRO)


METRICS: Final[dict[str, Metric]] = {}


class _Memory:
    """The slot of this process, and the block that it is in."""

    def __init__(self) -> None:
        self.slot = Slot.private()
        self.block: Block | None = None

    @property
    def slots(self) -> list[Slot]:
        return self.block.slots if self.block else [self.slot]


MEMORY: Final = _Memory()


def attach(block: Path, name: str) -> None:
    """Count in a slot of the block from now on.

    A process that finds no free slot, or a block in the format of another release, goes on in its own memory.
    """
    try:
        opened = Block(block)
    except OtherFormatError:
        logger.error("The main process is of a release with other metrics: {} counts by itself until a restart", name)
        return
    slot = opened.claim(name)
    if slot is None:
        logger.error("There is no free slot for the metrics of {}", name)
        return
    firsts: dict[str, dict[tuple[str, ...], int]] = {}
    for (key, *values), first in slot.series():
        firsts.setdefault(key, {})[tuple(values)] = first
    MEMORY.slot, MEMORY.block = slot, opened
    for declared in METRICS.values():
        series = firsts.get(declared.key, {})
        declared.bind(series)
        if not declared.is_kept_by_successor:
            for first in series.values():
                slot.cells[first] = 0


def attach_child(block: Path) -> None:
    """Attach this process under its name, if it is a child of the main process."""
    if parent_process() is not None:
        attach(block, current_process().name)


def name_process(name: str) -> None:
    """Name this process, which has no block, in the series of each process."""
    MEMORY.slot.take(name)


def iter_series() -> Iterator[tuple[Metric, tuple[str, ...], Slot, int]]:
    """Yield each series of each slot with its first cell. Gauges of dead processes are left out."""
    by_key = {metric.key: metric for metric in METRICS.values()}
    for slot in MEMORY.slots:
        is_alive = slot.is_alive
        for (key, *values), first in slot.series():
            metric = by_key.get(key)
            if metric and (is_alive or metric.is_kept_by_successor):
                yield metric, tuple(values), slot, first
