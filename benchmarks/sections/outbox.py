"""The relay and a job worker alone, each working off a backlog: events and jobs in a second of CPU."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import psutil

from benchmarks.bench import OUTBOX, Bench, on_all_cores
from benchmarks.load import LoadFailed, load
from benchmarks.machine import circumstances
from benchmarks.report import Report, Table
from benchmarks.scale.measured import Throughput, store_throughput
from benchmarks.scale.stocks import Documents, connect
from benchmarks.sections.create import Slots, creations, lay_barbers
from benchmarks.sections.effects import receiver, subscribe
from benchmarks.stopping import run_async
from benchmarks.world import new_admin, new_customers
from grome.infrastructure.jobs.models import State

_CUSTOMERS: Final = 200
_POLL_S: Final = 0.05
_PATIENCE_S: Final = 240.0
_CHANGED: Final = {"GROME_ENV": "development", "GROME_WEBHOOKS_PRIVATE_ADDRESSES": "true", "GROME_JOBS_WORKERS": "0"}


def run(bench: Bench) -> Report:
    slots = Slots(run_async(lay_barbers(bench, OUTBOX)))
    customers = run_async(new_customers(bench, OUTBOX, _CUSTOMERS))
    admin = run_async(new_admin(bench, OUTBOX))
    throughput = run_async(_measure(bench, slots, customers, admin))
    store_throughput(throughput)
    return Report([_table(throughput)])


async def _measure(bench: Bench, slots: Slots, customers: list[str], admin: str) -> Throughput:
    with on_all_cores(bench), connect(bench.mongo_url) as mongo:
        async with receiver() as received:
            with bench.grome("Grome", OUTBOX, pinned=False, **_CHANGED) as grome:
                await subscribe(grome.url, received.url, admin)
                await asyncio.to_thread(_leave_backlog, bench, grome.url, slots, customers)
            return await asyncio.to_thread(_work_off, bench, mongo[OUTBOX])


def _leave_backlog(bench: Bench, url: str, slots: Slots, customers: list[str]) -> None:
    """Let a relay take its position, end it, and create bookings that nobody tells of."""
    with bench.role("relay", OUTBOX, **_CHANGED), connect(bench.mongo_url) as mongo:
        _wait(lambda: bool((mongo[OUTBOX]["relay"].find_one() or {}).get("token")))
    load(bench.loader, url, creations(slots, customers, "backlog", bench.seconds), bench.seconds)


def _work_off(bench: Bench, database: Documents) -> Throughput:
    events = database["bookings"].count_documents({})
    with bench.role("relay", OUTBOX, **_CHANGED) as pid:
        relay_s, relay_cpu_s = _timed(pid, lambda: _handed_on(database) > 0, lambda: _handed_on(database) >= events)
    with bench.role("worker", OUTBOX, **_CHANGED, GROME_JOBS_RELAY="false") as pid:
        jobs_s, jobs_cpu_s = _timed(pid, lambda: _done(database) > 0, lambda: _due(database) == 0)
    return Throughput(
        told=circumstances(bench),
        events=events,
        relay_s=round(relay_s, 2),
        relay_cpu_s=round(relay_cpu_s, 2),
        jobs=_done(database),
        jobs_s=round(jobs_s, 2),
        jobs_cpu_s=round(jobs_cpu_s, 2),
    )


def _timed(pid: int, has_begun: Callable[[], bool], is_done: Callable[[], bool]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds from the first result to the last."""
    process = psutil.Process(pid)
    _wait(has_begun)
    begun, before = time.perf_counter(), sum(process.cpu_times()[:2])
    _wait(is_done)
    return time.perf_counter() - begun, sum(process.cpu_times()[:2]) - before


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise LoadFailed("relay and jobs do not come to an end")
        time.sleep(_POLL_S)


def _handed_on(database: Documents) -> int:
    return database["audit"].count_documents({"type": {"$regex": "^booking\\."}})


def _due(database: Documents) -> int:
    return database["jobs"].count_documents({"state": State.PENDING.value, "next_at": {"$lte": datetime.now(UTC)}})


def _done(database: Documents) -> int:
    return database["jobs"].count_documents({"state": State.DONE.value})


def _table(throughput: Throughput) -> Table:
    rows = [
        _row("relay: events", throughput.events, throughput.relay_s, throughput.relay_cpu_s),
        _row("job worker: jobs", throughput.jobs, throughput.jobs_s, throughput.jobs_cpu_s),
    ]
    note = (
        "New bookings; each leads to an audit record, live events, a webhook and messages. The relay runs alone, then "
        "the job worker; MongoDB, Valkey and the receiver share the cores. Times count from the first result."
    )
    return Table("Outbox: a backlog", ["", "count", "a second", "a second of CPU"], rows, [note])


def _row(name: str, count: int, seconds: float, cpu_s: float) -> list[str]:
    return [name, f"{count:,}", f"{count / seconds:,.0f}", f"{count / cpu_s:,.0f}"]
