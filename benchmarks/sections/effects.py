"""Measure the delay from a change to the start of its job and to the receipt of its webhook."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec
from rich.progress import Progress, TaskID

from benchmarks.bench import EFFECTS, Bench, on_all_cores
from benchmarks.connections import Answer, Connection, raw_request
from benchmarks.load import LoadFailed
from benchmarks.report import Report, Table
from benchmarks.rounds import bars, quantile
from benchmarks.sections.create import Slots, lay_barbers
from benchmarks.stopping import run_async
from benchmarks.world import new_admin, new_customers, prepared

# Changes a second: a busy day, and a day of a large platform.
RATES: Final = (20, 100)
_CUSTOMERS: Final = 20
_DRAINED_WITHIN_S: Final = 60


def run(bench: Bench) -> Report:
    slots = Slots(run_async(lay_barbers(bench, EFFECTS)))
    customers = run_async(new_customers(bench, EFFECTS, _CUSTOMERS))
    admin = run_async(new_admin(bench, EFFECTS))
    # Production refuses webhooks to this machine, where the receiver is.
    changed = {
        "GROME_ENV": "development",
        "GROME_LOG_FORMAT": "json",
        "GROME_JOBS_WORKERS": "1",
        "GROME_WEBHOOKS_PRIVATE_ADDRESSES": "true",
    }
    with on_all_cores(bench), bench.grome("Grome with a job worker", EFFECTS, pinned=False, **changed) as grome:
        source = Source(grome.url, slots, customers)
        seen = run_async(_change_and_receive(bench, source, admin))
    tables = [_table(rate, one, bench.options.effects_s) for rate, one in seen.items()]
    return Report(tables, sound=not any(one.missing or one.doubled for one in seen.values()))


@dataclass(frozen=True, slots=True)
class Source:
    """The base URL, bookings and access tokens of the changes."""

    url: str
    slots: Slots
    customers: Sequence[str]


@dataclass(slots=True)
class Seen:
    """Seconds from the moment that each change's history entry names, which lies just before its commit."""

    until_added: list[float] = field(default_factory=list)
    until_started: list[float] = field(default_factory=list)
    until_received: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    missing: int = 0
    doubled: int = 0


def _table(rate: int, seen: Seen, seconds: int) -> Table:
    rows = [
        _row("the relay adds a job of it", seen.until_added),
        _row("the job has started", seen.until_started),
        _row("a receiver has its webhook", seen.until_received),
    ]
    note = (
        f"{rate} changes a second over {seconds} s (bookings made and cancelled), 99 % sent within "
        f"{quantile(seen.late, 99) * 1e3:.1f} ms of their time; one API worker, one job worker, MongoDB, Valkey, the "
        "receiver and this benchmark share all cores. Each change also leads to messages, audit records and live "
        f"updates. Missing webhooks: {seen.missing}, received twice: {seen.doubled}. Times count from the history "
        "entry's own, just before the commit."
    )
    return Table(
        f"Effects at {rate} changes a second", ["ms from a change until", "changes", "p50", "p99", "max"], rows, [note]
    )


def _row(what: str, times: Sequence[float]) -> list[str]:
    spread = quantile(times, 50), quantile(times, 99), max(times)
    return [what, f"{len(times):,}", *(f"{value * 1e3:,.0f}" for value in spread)]


# ---- the run


async def _change_and_receive(bench: Bench, source: Source, admin: str) -> dict[int, Seen]:
    """By rate."""
    async with receiver() as received:
        await subscribe(source.url, received.url, admin)
        return {rate: await _at_a_rate(bench, source, rate, received) for rate in RATES}


async def _at_a_rate(bench: Bench, source: Source, rate: int, received: "Received") -> Seen:
    seen, begun = Seen(), datetime.now(UTC)
    with bars(bench.console) as progress:
        total = bench.options.effects_s * rate // 2
        task = progress.add_task(f"Bookings made and cancelled, {rate} changes a second", total=total)
        await _on_schedule(source, rate, total, seen.late, (progress, task))
    async with prepared(bench, EFFECTS) as container:
        bookings = container.database["bookings"].find(
            {"created_at": {"$gte": begun}}, {"history.id": 1, "history.at": 1}
        )
        made = {str(entry["id"]): entry["at"] async for booking in bookings for entry in booking["history"]}
        await _until_received(received, made.keys())
        jobs = container.database["jobs"].find({"kind": "webhook"}, {"created_at": 1, "started_at": 1})
        by_event = {job["_id"].partition(":")[0]: job async for job in jobs}
    seen.missing = len(made.keys() - received.at.keys())
    for event_id, at in made.items():
        if arrivals := received.at.get(event_id):
            seen.until_received.append((arrivals[0] - at).total_seconds())
            seen.doubled += len(arrivals) - 1
        if job := by_event.get(event_id):
            seen.until_added.append((job["created_at"] - at).total_seconds())
            seen.until_started.append((job["started_at"] - at).total_seconds())
    return seen


async def _until_received(received: "Received", wanted: AbstractSet[str]) -> None:
    """Or until nothing more is to be expected."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAINED_WITHIN_S):
            while wanted - received.at.keys():
                received.grew.clear()
                await received.grew.wait()


async def subscribe(url: str, receiver_url: str, admin: str) -> None:
    connection = await Connection.open(url)
    answer = await _send(connection, "/v1/webhooks/endpoints", admin, {"url": receiver_url})
    await connection.close()
    if answer.status != 201:
        raise LoadFailed(f"The webhook endpoint was answered {answer.status}: {answer.body.decode()}")


async def _on_schedule(source: Source, rate: int, total: int, late: list[float], bar: tuple[Progress, TaskID]) -> None:
    """Each booking begins when its time has come, and is cancelled a moment later."""
    idle: list[Connection] = []
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(total):
            due = started + 2 * number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late.append(max(0.0, time.perf_counter() - due))
            customer = source.customers[number % len(source.customers)]
            group.create_task(_make_and_cancel(source, customer, 1 / rate, idle, bar))
    for connection in idle:
        await connection.close()


async def _make_and_cancel(
    source: Source, customer: str, pause_s: float, idle: list[Connection], bar: tuple[Progress, TaskID]
) -> None:
    _, barber_id, service_id, start = source.slots.take()
    wanted = {"barber_id": str(barber_id), "service_ids": [str(service_id)], "scheduled_at": start}
    connection = idle.pop() if idle else await Connection.open(source.url)
    made = await _send(connection, "/v1/bookings", customer, wanted)
    if made.status != 201:
        raise LoadFailed(f"A booking was answered {made.status}: {made.body.decode()}")
    booking_id = msgspec.json.decode(made.body)["id"]
    await asyncio.sleep(pause_s)
    ended = await _send(connection, f"/v1/bookings/{booking_id}/cancel", customer, {})
    if ended.status != 200:
        raise LoadFailed(f"A cancellation was answered {ended.status}: {ended.body.decode()}")
    idle.append(connection)
    bar[0].advance(bar[1])


async def _send(connection: Connection, target: str, token: str, body: dict[str, object]) -> Answer:
    return await connection.ask(raw_request("POST", target, {"Authorization": f"Bearer {token}"}, body))


# ---- receiving


@dataclass(slots=True)
class Received:
    """When each webhook arrived, by its id."""

    url: str
    at: dict[str, list[datetime]] = field(default_factory=dict)
    grew: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def receiver() -> AsyncIterator[Received]:
    """Answers everything 204. It parses heads only as far as needed, to keep the cost of measuring low."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                await reader.readexactly(int(lines.get(b"content-length", b"0")))
                event_id = lines.get(b"webhook-id", b"").decode()
                received.at.setdefault(event_id, []).append(datetime.now(UTC))
                received.grew.set()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    received = Received(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    try:
        yield received
    finally:
        server.close()
