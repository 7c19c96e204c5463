"""Live connections: from a commit to thousands of sockets, the price of a socket, and fan-out beside peers."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import psutil
from redis.asyncio import Redis

from benchmarks.bench import LIVE, TOKEN_TTL_S, Bench, on_all_cores
from benchmarks.live_clients import LiveClient, Log, connect, disconnect, rss_bytes, sign_in_frames
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.servers import ROOT, Server, server
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import prepared
from grome.accounts.models import Device, LoginSession
from grome.accounts.tokens import AccessTokens
from grome.bookings.models import BookedService, Booking, Payment, PaymentStatus, Status
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.signing_keys import SigningKeys
from grome.realtime.models import RoomEvent
from grome.realtime.streams import LivePublisher

_EVENTS_A_SECOND: Final = 200
_CHANGES_S: Final = 20
_ROOM_SOCKETS: Final = 1_000
_ROOM_EVENTS_A_SECOND: Final = 20
_PAYLOAD_BYTES: Final = 300
_AREA: Final = "area:861f1d48fffffff"
_TARGET: Final = "/v1/live"
_SETTLE_S: Final = 2.0
_KIB: Final = 1024
_ARRIVAL_POLL_S: Final = 0.02
_ARRIVAL_POLLS: Final = 3_000
GROME: Final = "Grome"
SLOW: Final = "Grome, one of the sockets never read"
SANICS: Final = "Grome on Sanic's own sockets"
NODE: Final = "ws on Node, Redis pub/sub"
_PEER: Final = ROOT / "benchmarks" / "peers" / "node_ws"


@dataclass(frozen=True, slots=True)
class People:
    """Access tokens of accounts, and the room of a booking for each; two accounts share a booking."""

    tokens: list[str]
    rooms: list[str]


@dataclass(frozen=True, slots=True)
class FanOut:
    """One round of a contender: ms until the sockets had the events, and its CPU time for a frame."""

    latencies: list[float]
    cpu_us: float


def run(bench: Bench) -> Report:
    people = run_async(_lay_people(bench, bench.options.sockets))
    with on_all_cores(bench):
        changes = run_async(_changes(bench, people))
        fan_outs = run_async(_fan_outs(bench, people))
    return Report([*changes, _fan_out_table(fan_outs)])


# ---- from a commit to the sockets


async def _changes(bench: Bench, people: People) -> list[Table]:
    workers = {"GROME_HTTP_WORKERS": "2", "GROME_JOBS_WORKERS": "1"}
    with bench.grome("Grome, two API workers", LIVE, pinned=False, **workers) as grome:
        pids = _api_workers(grome)
        frames = [
            sign_in_frames(token, [{"room": room}]) for token, room in zip(people.tokens, people.rooms, strict=True)
        ]
        empty, log = rss_bytes(pids), Log()
        opened = time.perf_counter()
        clients = await connect(grome.url, _TARGET, frames, log)
        opened = time.perf_counter() - opened
        await asyncio.sleep(_SETTLE_S)
        per_socket = (rss_bytes(pids) - empty) / len(clients)
        await _write_changes(bench)
        await asyncio.sleep(_SETTLE_S)
        reconnected = await _reconnect(bench, grome, clients, people)
        await disconnect(clients)
    times = [(arrived - _at(frame)) * 1e3 for arrived, frame in log.arrivals]
    expected = 2 * _EVENTS_A_SECOND * _CHANGES_S
    targets = [
        Target("ms at p99 from a change to its sockets", Spread.of([quantile(times, 99)]), most=50, digits=1),
        Target("kB (RSS) for each socket", Spread.of([per_socket / _KIB]), most=25, digits=1),
        Target("s until 1,000 clients have reconnected at once", Spread.of([reconnected.seconds]), most=5, digits=2),
    ]
    row = [
        f"{len(times):,} of {expected:,}",
        *(f"{value:,.1f}" for value in (quantile(times, 50), quantile(times, 99), max(times))),
    ]
    note = (
        f"{len(clients):,} sockets on two API workers, opened in {opened:.1f} s; {_EVENTS_A_SECOND} changes of "
        f"bookings a second over {_CHANGES_S} s, each for two sockets. Times count from the history entry's own, just "
        "before its commit. Resident memory of a socket includes the TCP connection in the server, sign-in and "
        f"subscription. The reconnect took {reconnected.commands:,} commands of Valkey for 1,000 clients. Sockets "
        f"closed by the server: {dict(log.closed)}."
    )
    table = Table("Live: from a change to its sockets", ["frames", "p50 ms", "p99 ms", "max ms"], [row], [note])
    return [targets_table("Live: figures to reach", targets), table]


@dataclass(frozen=True, slots=True)
class Reconnected:
    seconds: float
    commands: int


async def _reconnect(bench: Bench, grome: Server, clients: list[LiveClient], people: People) -> Reconnected:
    """Cut 1,000 connections, and open them again at once with their positions."""
    cut, kept = clients[:_ROOM_SOCKETS], clients[_ROOM_SOCKETS:]
    replies = [msgspec.json.decode(await client.replied)["ok"]["rooms"][0] for client in cut]
    positions = {reply["room"]: {name: reply[name] for name in ("room", "epoch", "offset")} for reply in replies}
    await disconnect(cut)
    clients[:] = kept
    wanted = [
        sign_in_frames(token, [positions[room]])
        for token, room in zip(people.tokens, people.rooms, strict=True)
        if room in positions
    ][:_ROOM_SOCKETS]
    async with Redis.from_url(bench.data(LIVE).redis_url) as redis:
        before = (await redis.info("stats"))["total_commands_processed"]
        started = time.perf_counter()
        clients += await connect(grome.url, _TARGET, wanted, Log(), at_once=_ROOM_SOCKETS)
        seconds = time.perf_counter() - started
        after = (await redis.info("stats"))["total_commands_processed"]
    return Reconnected(seconds, after - before)


async def _write_changes(bench: Bench) -> None:
    data = bench.data(LIVE)
    argv = [data.mongo_url, data.database, str(_EVENTS_A_SECOND), str(_CHANGES_S)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.live_writer", *argv, cwd=ROOT)
    with bars(bench.console) as progress:
        task = progress.add_task("Changes of bookings", total=_CHANGES_S)
        for _ in range(_CHANGES_S):
            await asyncio.sleep(1)
            progress.advance(task)
        if await process.wait():
            raise RuntimeError("the writer of changes failed")


def _at(frame: bytes) -> float:
    """Return the time of an event in its frame, in seconds of the wall clock."""
    return datetime.fromisoformat(msgspec.json.decode(frame)["d"]["at"]).timestamp()


# ---- fan-out beside peers, with and without a slow reader


Publish = Callable[[bytes], Awaitable[None]]


async def _fan_outs(bench: Bench, people: People) -> dict[str, list[FanOut]]:
    """Each contender in turn, round after round."""
    measured: dict[str, list[FanOut]] = {}
    light, own = {"GROME_LIVE_LIGHT_SOCKETS": "true"}, {"GROME_LIVE_LIGHT_SOCKETS": "false"}
    tokens = people.tokens[:_ROOM_SOCKETS]
    frames = [sign_in_frames(token, [{"room": _AREA}]) for token in tokens]
    async with prepared(bench, LIVE) as container, Redis.from_url(bench.data(LIVE).redis_url) as redis:
        with bars(bench.console) as progress, _node_modules(bench) as modules:
            task = progress.add_task("Fan-out", total=4 * bench.rounds)
            for _ in range(bench.rounds):
                for name, changed, slow in ((GROME, light, 0), (SLOW, light, 1), (SANICS, own, 0)):
                    with bench.grome(name, LIVE, pinned=False, **changed) as grome:
                        fan_out = await _fan_out(bench, grome, _TARGET, frames, _to_area(container), slow)
                    measured.setdefault(name, []).append(fan_out)
                    progress.advance(task)
                with _node(bench, modules) as peer:
                    fan_out = await _fan_out(bench, peer, "/", frames, _to_peer(redis), 0)
                measured.setdefault(NODE, []).append(fan_out)
                progress.advance(task)
    return measured


async def _fan_out(
    bench: Bench, one: Server, target: str, frames: Sequence[list[bytes]], publish: Publish, slow: int
) -> FanOut:
    """Publish events to a room at a steady rate; the first `slow` of its sockets stop reading."""
    log, process = Log(), psutil.Process(one.pid)
    clients = await connect(one.url, target, frames, log)
    for client in clients[:slow]:
        client.transport.pause_reading()
    await asyncio.sleep(_SETTLE_S)
    before, started, count = process.cpu_times(), time.perf_counter(), bench.seconds * _ROOM_EVENTS_A_SECOND
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / _ROOM_EVENTS_A_SECOND - time.perf_counter()))
        await publish(_event())
    wanted = count * (len(clients) - slow)
    for _ in range(_ARRIVAL_POLLS):
        if len(log.arrivals) >= wanted:
            break
        await asyncio.sleep(_ARRIVAL_POLL_S)
    after = process.cpu_times()
    await disconnect(clients)
    cpu_s = after.user + after.system - before.user - before.system
    return FanOut([(arrived - _at(frame)) * 1e3 for arrived, frame in log.arrivals], cpu_s / wanted * 1e6)


def _event() -> bytes:
    """Return an event's `d` with the time of now."""
    body = {"id": new_id(), "type": "barber.online", "at": datetime.now(UTC), "subject": new_id(), "version": 1}
    return msgspec.json.encode({**body, "data": {"pad": "x" * _PAYLOAD_BYTES}})


def _to_area(container: Container) -> Publish:
    publisher = container.get(LivePublisher)

    async def publish(payload: bytes) -> None:
        await publisher.publish([RoomEvent(_AREA, (), str(new_id()), 1, datetime.now(UTC), payload)])

    return publish


def _to_peer(redis: "Redis") -> Publish:
    async def publish(payload: bytes) -> None:
        frame = b'{"t":"event","r":"%b","o":"0-0","d":%b}' % (_AREA.encode(), payload)
        await redis.publish("peer", msgspec.json.encode({"room": _AREA, "payload": frame.decode()}))

    return publish


def _fan_out_table(measured: dict[str, list[FanOut]]) -> Table:
    rows = []
    for name, rounds in measured.items():
        spreads = [Spread.of([quantile(one.latencies, percent) for one in rounds]).text(1) for percent in (50, 99)]
        rows.append([name, *spreads, Spread.of([one.cpu_us for one in rounds]).text(1)])
    fast, slow = (Spread.of([quantile(one.latencies, 99) for one in measured[name]]).median for name in (GROME, SLOW))
    note = (
        f"{_ROOM_SOCKETS:,} sockets in one room on one server process, {_ROOM_EVENTS_A_SECOND} events of about "
        f"{_PAYLOAD_BYTES} bytes a second, each to all sockets. Times from just before an event was published; all "
        "processes share all cores. Grome stores each event in a stream for clients that resume; the peer stores "
        f"nothing. With a socket that is never read, the others' p99 is {slow / fast:.2f} of the p99 without it."
    )
    columns = ["median (min to max) of the rounds", "p50 ms", "p99 ms", "CPU µs a frame"]
    return Table("Live: one room with many sockets", columns, rows, [note])


@contextmanager
def _node_modules(bench: Bench) -> Iterator[Path]:
    """Install the packages of the peer, from its lock file."""
    folder = bench.home / "node_ws"
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copy(_PEER / name, folder)
    npm = _node_program("npm")
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)  # noqa: S603 -- fixed
    yield folder


def _node(bench: Bench, folder: Path) -> AbstractContextManager[Server]:
    env = {"PEER_REDIS_URL": bench.data(LIVE).redis_url}
    return server(NODE, [_node_program("node"), str(folder / "server.mjs")], env, port_variable="PEER_PORT", cpu=None)


def _node_program(name: str) -> str:
    """Return the program of the wheel that the tests use, or of the system."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        raise RuntimeError(f"{name} is not installed; the development requirements have it")
    return found


# ---- accounts and bookings


async def _lay_people(bench: Bench, count: int) -> People:
    """Add sessions for so many accounts, and a booking for each two of them."""
    settings = bench.settings(LIVE).accounts
    tokens, now = AccessTokens(SigningKeys(settings.signing_key), TOKEN_TTL_S), datetime.now(UTC)
    actors = [Actor(new_id(), (Role.CUSTOMER, Role.BARBER)[number % 2], new_id()) for number in range(count)]
    bookings = [
        _booking(customer, barber, now + timedelta(hours=2))
        for customer, barber in zip(actors[::2], actors[1::2], strict=True)
    ]
    async with prepared(bench, LIVE) as container:
        await container.database.bookings.delete_many({})
        await container.database.sessions.insert_many([to_document(_session(actor, now)) for actor in actors])
        await container.database.bookings.insert_many([to_document(booking) for booking in bookings])
    rooms = [f"booking:{booking.id}" for booking in bookings for _ in range(2)]
    return People([tokens.issue(actor, now) for actor in actors], rooms)


def _session(actor: Actor, now: datetime) -> LoginSession:
    return LoginSession(
        id=actor.session_id,
        user_id=actor.id,
        role=actor.role,
        generation=1,
        rotated_at=now,
        device=Device(),
        first_seen=now,
        last_seen=now,
        expires_at=now + timedelta(days=1),
    )


def _booking(customer: Actor, barber: Actor, starts_at: datetime) -> Booking:
    return Booking(
        id=new_id(),
        customer_id=customer.id,
        barber_id=barber.id,
        services=[BookedService(new_id(), "Cut", 3_000, 30)],
        scheduled_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        ticks=[int(starts_at.timestamp()) // 300],
        active=True,
        status=Status.ACCEPTED,
        price=3_000,
        currency="EUR",
        payment=Payment(PaymentStatus.PENDING, 3_000, "EUR"),
        version=1,
        history=[],
        created_at=starts_at - timedelta(days=1),
    )


def _api_workers(grome: Server) -> list[int]:
    """Return the processes that listen: the served one and its siblings."""
    parent = psutil.Process(grome.pid).parent()
    children = parent.children(recursive=True) if parent else []
    listening = {connection.pid for connection in psutil.net_connections("tcp") if connection.status == "LISTEN"}
    port = int(grome.url.rpartition(":")[2])
    return [
        child.pid
        for child in children
        if child.pid in listening
        and any(c.laddr.port == port for c in child.net_connections("tcp") if c.status == "LISTEN")
    ]
