"""Run honest accounts before, beside and after hostile accounts, and compare the measurements."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import msgspec
from rich.table import Table

from config.loading import load_settings
from config.settings import Settings
from grome.cli.bootstrap import opened_container
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.made_keys import with_made_keys
from grome.infrastructure.migrations import migrate
from grome.infrastructure.outbox.relay import Relay
from grome.migrations import MIGRATIONS
from tests.builders.barbers import barber
from tests.builders.people import register
from tests.soak.gauges import Sample, measure
from tests.soak.honest import Honest, Waits
from tests.soak.hostile import Hostile, midday_zone
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome
from tests.support.servers import own_mongod, own_valkey

_PAIRS: Final = 4  # pairs of a hostile barber and customer
_SETTLED_WITHIN_S: Final = 300
_SAMPLES: Final = 20
# Bounds of the verdict. Medians on a two-core machine differ by a third between runs; leaks and queues exceed that.
_SLOWER: Final = 1.5
_SLOWER_MS: Final = 10.0
_GROWN_MIB: Final = 64.0
_QUIET_S: Final = 5.0
_BOOKING_KB: Final = 150.0


@dataclass(frozen=True)
class Outcome:
    """The measurements; `samples` begin before the hostile load, and end after everything has settled."""

    before: Waits
    beside: Waits
    after: Waits
    samples: Sequence[Sample]
    settled_s: float
    answers: Counter[tuple[str, int]]
    unexpected: Sequence[str]
    honest_errors: Sequence[str]

    def slower(self) -> list[str]:
        """Return a sentence for each kind of honest request that takes longer than before."""
        return [
            f"{kind} takes {self.after.p50_ms(kind):.1f} ms, {self.before.p50_ms(kind):.1f} ms before"
            for kind in self.before.of
            if self.after.p50_ms(kind) > self.before.p50_ms(kind) * _SLOWER + _SLOWER_MS
        ]

    def faults(self) -> list[str]:
        """Return a sentence for each other measurement that got worse, and for unexpected answers."""
        first, last = self.samples[0], self.samples[-1]
        rules = {
            f"an API worker has grown by {last.api_mib - first.api_mib:.0f} MiB": last.api_mib - first.api_mib
            > _GROWN_MIB,
            f"the job worker has grown by {last.worker_mib - first.worker_mib:.0f} MiB": last.worker_mib
            - first.worker_mib
            > _GROWN_MIB,
            f"the relay lags by {last.relay_lag_s:.0f} s": last.relay_lag_s > _QUIET_S,
            f"jobs are overdue by {last.overdue_s:.0f} s": last.overdue_s > _QUIET_S,
            f"a booking has {last.booking_kb:.0f} kB": last.booking_kb > _BOOKING_KB,
        }
        broken = [sentence for sentence, is_broken in rules.items() if is_broken]
        return [*broken, *_most(self.unexpected), *_most(self.honest_errors)]

    def tables(self) -> list[Table]:
        return [self._waits(), self._requests(), self._gauges()]

    def _waits(self) -> Table:
        table = Table("honest request", "before", "beside hostile accounts", "after", title="p50 / p95 in ms")
        for kind in self.before.of:
            phases = (self.before, self.beside, self.after)
            table.add_row(kind, *(_figures(waits, kind) for waits in phases))
        return table

    def _requests(self) -> Table:
        table = Table("hostile request", "by status", title=f"{self.answers.total():,} hostile requests")
        for name in sorted({name for name, _ in self.answers}):
            counts = {status: count for (of, status), count in sorted(self.answers.items()) if of == name}
            table.add_row(name.replace("_", " "), ", ".join(f"{status}: {count:,}" for status, count in counts.items()))
        return table

    def _gauges(self) -> Table:
        names = ("at, s", "API, MiB", "jobs, MiB", "relay lag, s", "overdue, s", "jobs due", "largest booking, kB")
        table = Table(*names, "limited documents", title="Gauges")
        for one in self.samples:
            memory = (f"{one.at_s:.0f}", f"{one.api_mib:.0f}", f"{one.worker_mib:.0f}")
            queues = (f"{one.relay_lag_s:.1f}", f"{one.overdue_s:.1f}", f"{one.due_jobs:,}")
            table.add_row(*memory, *queues, f"{one.booking_kb:.0f}", f"{one.limited_documents:,}")
        table.caption = f"settled {self.settled_s:.0f} s after the last hostile request"
        return table


def _figures(waits: Waits, kind: str) -> str:
    return f"{waits.p50_ms(kind):.1f} / {waits.p95_ms(kind):.1f}" if waits.of[kind] else "-"


def _most(told: Sequence[str]) -> list[str]:
    return [f"{text} ({times} times)" for text, times in Counter(told).most_common(10)]


Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """The durations: `seconds` with hostile accounts, between two periods of `quiet_s` without them."""

    seconds: float
    quiet_s: float
    progress: Progress


async def soak(home: Path, seconds: float, quiet_s: float, progress: Progress) -> Outcome:
    """Run honest accounts for `quiet_s`, with hostile accounts for `seconds`, then for `quiet_s` again.

    All servers are started for this run and stopped at its end.
    """
    (home / "mongod").mkdir()
    (home / "valkey").mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings = _settings(home, mongo.url, redis.url)
        async with _migrated(settings) as container:
            with running_grome(
                settings,
                home,
                GROME_JOBS_WORKERS="1",
                GROME_HTTP_ACCESS_LOG="false",
                GROME_WEBHOOKS_PRIVATE_ADDRESSES="true",
            ) as grome:
                async with http_client(grome.url, timeout_s=30) as http, _hanging() as hanging:
                    prepared = await _prepare(http, container, hanging)
                    return await _phases(*prepared, grome, container, Plan(seconds, quiet_s, progress))


async def _prepare(http: httpx.AsyncClient, container: Container, hanging: str) -> tuple[Honest, list[Hostile]]:
    honest = Honest(http, await barber(http, container, durations=(5,), timezone="UTC"), await register(http))
    dice = random.Random(1)  # noqa: S311 -- reproducible, and no secret
    zone = midday_zone()
    hostile = [
        Hostile(http, await barber(http, container, durations=(5,), timezone=zone), await register(http), dice, hanging)
        for _ in range(_PAIRS)
    ]
    for one in hostile:
        await one.prepare()
    return honest, hostile


@asynccontextmanager
async def _hanging() -> AsyncIterator[str]:
    """Yield the URL of a server that accepts requests and never answers."""
    ended = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        ended.set()
        server.close()


async def _phases(
    honest: Honest, hostile: Sequence[Hostile], grome: RunningGrome, container: Container, plan: "Plan"
) -> Outcome:
    seconds, quiet_s, progress = plan.seconds, plan.quiet_s, plan.progress
    await honest.run(time.monotonic() + quiet_s / 2)  # warms up caches and lazy imports
    progress("honest accounts alone")
    before = await honest.run(time.monotonic() + quiet_s)
    started = time.monotonic()
    samples = [await measure(0, grome, container)]
    until_s = started + seconds
    async with asyncio.TaskGroup() as group:
        measured = group.create_task(honest.run(until_s))
        group.create_task(_sample(samples, started, seconds, grome, container, progress))
        for one in hostile:
            group.create_task(one.run(until_s))
    progress("waiting until everything has settled")
    settled_s = await _settle(container)
    progress("honest accounts alone again")
    after = await honest.run(time.monotonic() + quiet_s)
    samples.append(await measure(time.monotonic() - started, grome, container))
    answers = sum((one.answers for one in hostile), Counter())
    unexpected = [text for one in hostile for text in one.unexpected]
    return Outcome(before, measured.result(), after, samples, settled_s, answers, unexpected, honest.errors)


async def _sample(
    samples: list[Sample], started: float, seconds: float, grome: RunningGrome, container: Container, progress: Progress
) -> None:
    for number in range(1, _SAMPLES + 1):
        await asyncio.sleep(max(0, started + seconds * number / _SAMPLES - time.monotonic()))
        samples.append(await measure(time.monotonic() - started, grome, container))
        progress(f"hostile accounts, {samples[-1].at_s:.0f} of {seconds:.0f} s")


async def _settle(container: Container) -> float:
    """Wait until no job is due and the relay has caught up, at most five minutes; return the seconds."""
    started = time.monotonic()
    while time.monotonic() - started < _SETTLED_WITHIN_S:
        relay, jobs = await container.get(Relay).stats(), await container.get(JobAdmin).figures()
        if relay and relay.lag_s < 1 and jobs.overdue_s < 1:
            break
        await asyncio.sleep(0.5)
    return time.monotonic() - started


def _settings(home: Path, mongo_url: str, redis_url: str) -> Settings:
    base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)}), home)
    return msgspec.structs.replace(
        base,
        mongo=msgspec.structs.replace(base.mongo, url=mongo_url, timeout_ms=30_000),
        redis=msgspec.structs.replace(base.redis, url=redis_url),
    )


@asynccontextmanager
async def _migrated(settings: Settings) -> AsyncIterator[Container]:
    async with opened_container(settings) as container:
        async for _ in migrate(container.database, MIGRATIONS, container.clock):
            pass
        yield container
