"""Add up the series of all processes for Prometheus."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from grome import installed_version
from grome.infrastructure.telemetry import catalogue
from grome.infrastructure.telemetry.block import Slot
from grome.infrastructure.telemetry.registry import MEMORY, METRICS, Counter, Histogram, Metric, iter_series

_WORKER: Final = "worker"
_MAIN: Final = "main"
_STATM: Final = "/proc/{}/statm"


class ProcessMetrics(Collector):
    """Collects the metrics of `catalogue.py`, and figures about each process."""

    def collect(self) -> Iterator[Family]:
        summed: dict[str, dict[tuple[str, ...], list[int]]] = {name: {} for name in catalogue.ALL}
        for metric, values, slot, first in iter_series():
            labels = (*values, slot.name or _MAIN) if metric.per_worker else values
            cells = slot.cells[first : first + metric.width].tolist()
            before = summed[metric.name].get(labels)
            summed[metric.name][labels] = [a + b for a, b in zip(before, cells, strict=True)] if before else cells
        for name, series in summed.items():
            yield _family(METRICS[name], series)
        yield from _processes([slot for slot in MEMORY.slots if slot.is_alive])


def _family(metric: Metric, series: dict[tuple[str, ...], list[int]]) -> Family:
    labels = (*metric.labels, _WORKER) if metric.per_worker else metric.labels
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(metric.name, metric.about, labels=labels)
        for values, cells in sorted(series.items()):
            histogram.add_metric(values, _cumulated(metric, cells), cells[-1] / 1e6)
        return histogram
    kind = CounterMetricFamily if isinstance(metric, Counter) else GaugeMetricFamily
    family = kind(metric.name, metric.about, labels=labels)
    for values, cells in sorted(series.items()):
        family.add_metric(values, cells[0])
    return family


def _cumulated(histogram: Histogram, cells: list[int]) -> list[tuple[str, float]]:
    buckets, total = [], 0
    for bound, count in zip((*map(str, histogram.buckets), "+Inf"), cells, strict=False):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def _processes(slots: list[Slot]) -> Iterator[Family]:
    """Measure the processes themselves. Memory is read from /proc, where there is one."""
    memory = GaugeMetricFamily("grome_process_resident_bytes", "Memory of a process", labels=[_WORKER])
    started = GaugeMetricFamily("grome_process_start_time_seconds", "When a process started", labels=[_WORKER])
    for slot in slots:
        started.add_metric([slot.name or _MAIN], slot.started_at)
        try:
            pages = int(Path(_STATM.format(slot.pid)).read_text().split()[1])
        except OSError:
            continue
        memory.add_metric([slot.name or _MAIN], pages * os.sysconf("SC_PAGE_SIZE"))
    build = GaugeMetricFamily("grome_build_info", "The running version", labels=["version", "python"])
    build.add_metric([installed_version(), platform.python_version()], 1)
    yield from (memory, started, build)
