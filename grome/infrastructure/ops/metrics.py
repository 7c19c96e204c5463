"""Metrics for a monitoring system, measured at each scrape; every process gives the same figures.

The counts of the processes themselves come from `grome/infrastructure/telemetry/`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.admin import MAX_COUNTED, JobAdmin
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.mongo.client import DriverError
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.infrastructure.telemetry.exposition import ProcessMetrics

_PATIENCE_S: Final = 5.0

Part = Callable[[Container, CollectorRegistry], Awaitable[None]]


class Measured(Collector):
    """Families with their samples."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class FeatureFigures(Protocol):
    """Measures the figures of a feature."""

    async def measure(self, registry: CollectorRegistry) -> None: ...


class FeatureMetrics(dict[str, FeatureFigures]):
    """The figures of features by the name of their part; the composition gives them."""


async def metrics(container: Container) -> bytes:
    """Measure all parts in Prometheus's text format.

    A part with an unavailable dependency is left out, and its `grome_metrics_up` is 0.
    """
    registry = CollectorRegistry()
    registry.register(ProcessMetrics())
    features = {name: _part_of(figures) for name, figures in container.get(FeatureMetrics).items()}
    parts = {**PARTS, **features}
    measured = await asyncio.gather(*(_measured(part, container, registry) for part in parts.values()))
    up = Gauge("grome_metrics_up", "Whether a part of these figures could be measured", ["part"], registry=registry)
    for name, known in zip(parts, measured, strict=True):
        up.labels(name).set(known)
    return generate_latest(registry)


async def _measured(part: Part, container: Container, registry: CollectorRegistry) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await part(container, registry)
    except (TimeoutError, DriverError, RedisError):
        return False
    return True


def _part_of(figures: FeatureFigures) -> Part:
    async def measure(_container: Container, registry: CollectorRegistry) -> None:
        await figures.measure(registry)

    return measure


async def _jobs(container: Container, registry: CollectorRegistry) -> None:
    figures = await container.get(JobAdmin).figures()
    jobs = Gauge("grome_jobs", f"Jobs by state, counted up to {MAX_COUNTED}", ["state"], registry=registry)
    for state, count in figures.by_state.items():
        jobs.labels(state.value).set(count)
    overdue = "Seconds that the most overdue pending job has waited for a worker"
    Gauge("grome_jobs_overdue_seconds", overdue, registry=registry).set(figures.overdue_s)


async def _queues(container: Container, registry: CollectorRegistry) -> None:
    waiting = {queue.value: await saq.count("queued") for queue, saq in container.get(Queues).items()}
    gauge = Gauge("grome_queue_waiting", "Messages that no worker has taken yet", ["queue"], registry=registry)
    for queue, count in waiting.items():
        gauge.labels(queue).set(count)


async def _relay(container: Container, registry: CollectorRegistry) -> None:
    figures = await container.get(Relay).stats()
    lag = GaugeMetricFamily("grome_relay_lag_seconds", "Age of the oldest change that the relay has in hand")
    silent = GaugeMetricFamily(
        "grome_relay_silent_seconds", "Seconds since a leader last stored the position of the relay"
    )
    events = CounterMetricFamily("grome_relay_events_total", "Events handed on so far")
    position = GaugeMetricFamily("grome_relay_position_timestamp_seconds", "When the last change was made")
    if figures:
        lag.add_metric([], figures.lag_s)
        silent.add_metric([], figures.silent_s)
        events.add_metric([], figures.handed_on)
        if figures.position_at:
            position.add_metric([], figures.position_at.timestamp())
    registry.register(Measured([lag, silent, events, position]))


async def _failed_items(container: Container, registry: CollectorRegistry) -> None:
    told = "Items that failed and that a loop has skipped: an operator has to look at each"
    failed = CounterMetricFamily("grome_failed_items_total", told, labels=["loop"])
    for name, count in (await container.get(StoredCounts).failed_items()).items():
        failed.add_metric([name], count)
    registry.register(Measured([failed]))


async def _counted(container: Container, registry: CollectorRegistry) -> None:
    families = {
        name: (CounterMetricFamily(f"grome_{metric}_total", told, labels=labels), unit)
        for name, (metric, told, labels, unit) in _COUNTED.items()
    }
    uncounted: dict[tuple[str, ...], int] = {(name,): 0 for name, (_, _, labels, _) in _COUNTED.items() if not labels}
    for (name, *labels), number in {**uncounted, **await container.get(StoredCounts).figures()}.items():
        if name in families:  # a later release may count more
            family, unit = families[name]
            family.add_metric(labels, number * unit)
    registry.register(Measured([family for family, _ in families.values()]))


# Figures that processes count by `count`: the metric, its description, its labels, and its unit.
_COUNTED: Final = {
    "job_tries": ("job_tries", "Tries of jobs", ["kind", "outcome"], 1),
    "job_ms": ("job_seconds", "Time spent in tries of jobs", ["kind"], 0.001),
    "stripe_calls": ("stripe_calls", "Calls to Stripe", ["call", "outcome"], 1),
    "stripe_call_ms": ("stripe_call_seconds", "Time spent in calls to Stripe, retries included", ["call"], 0.001),
    "stripe_events": ("stripe_events", "Events of Stripe that were processed", ["outcome"], 1),
    "payment_changes": ("payment_changes", "Changes of payments", ["change", "currency"], 1),
    "live_opened": ("live_opened", "Live connections that were opened", ["kind"], 1),
    "live_closed": ("live_closed", "Live connections that the server closed", ["reason"], 1),
    "live_fan_outs": ("live_fan_outs", "Events and other frames that had subscribers in a process", [], 1),
    "live_frames": ("live_frames", "Frames to subscribers of rooms", [], 1),
    "live_bytes": ("live_bytes", "Bytes of these frames, as JSON", [], 1),
    "live_resumes": ("live_resumes", "Resumes from a position", ["outcome"], 1),
    "live_resets": ("live_resets", "Losses of the positions of a shard", [], 1),
    "live_bus_entries": ("live_bus_entries", "Entries of the bus that processes have read", [], 1),
    "live_bus_lag_ms": ("live_bus_lag_seconds", "Time from the bus to the subscribers, summed", [], 0.001),
    "payment_amounts": ("payment_amount", "Money of these changes in minor units", ["change", "currency"], 1),
}

# A new metric gets a function above and a line here.
PARTS: Final[Mapping[str, Part]] = {
    "jobs": _jobs,
    "queues": _queues,
    "relay": _relay,
    "failed_items": _failed_items,
    "counted": _counted,
}
