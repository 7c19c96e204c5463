"""Live clients through a proxy with faults, while processes and Valkey are killed and bookings change."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.table import Table

from config.settings import Settings
from grome.accounts.tokens import AccessTokens
from grome.composition import open_container
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord
from grome.infrastructure.signing_keys import SigningKeys
from grome.migrations import MIGRATIONS
from tests.builders.barbers import barber
from tests.builders.people import Person, register
from tests.realtime.faults.follower import Follower, find_order_faults
from tests.realtime.faults.rest import Rest
from tests.realtime.faults.writer import Writer
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.http_client import http_client
from tests.support.killing import kill_leader, kill_worker
from tests.support.live_clients import node_client, python_client
from tests.support.processes import RunningGrome, running_grome_beside
from tests.support.servers import StoppableServer

_LIVE_TOKEN_S: Final = 30  # so that connections refresh their tokens
_REST_TOKEN_S: Final = 900
_HEARTBEAT_S: Final = 5
_AWAY_S: Final = 0.5
_SETTLED_WITHIN_S: Final = 120.0
_BACKOFF_S: Final = {"backoff_s": 0.3, "max_backoff_s": 3.0}


@dataclass
class Plan:
    """The extent of a storm. Each pair is a customer and a barber; `node` of the clients run in Node."""

    seconds: float
    seed: int
    pairs: int
    node: int
    fault_pause_s: float
    kill_pause_s: float
    write_pause_s: float


@dataclass
class Outcome:
    """`errors` lists each broken promise; the rest are figures."""

    errors: list[str]
    figures: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def table(self) -> Table:
        table = Table("", "count", title="Live clients among faults")
        for name, number in sorted(self.figures.items()):
            table.add_row(name, f"{number:,}")
        table.add_section()
        for name, number in sorted(self.faults.items()):
            table.add_row(name, f"{number:,}")
        return table


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(settings)
    try:
        yield container
    finally:
        await container.close()


async def storm(settings: Settings, home: Path, redis: StoppableServer, plan: Plan) -> Outcome:
    """Start Grome on servers with an empty database; return after all clients had time to settle."""
    changed = {"GROME_JOBS_WORKERS": "2", "GROME_LIVE_HEARTBEAT_S": str(_HEARTBEAT_S), "GROME_LOG_LEVEL": "INFO"}
    async with AsyncExitStack() as stack:
        container = await stack.enter_async_context(_opened(settings))
        async for _ in migrate(container.database, MIGRATIONS, container.clock):
            pass
        grome = await stack.enter_async_context(running_grome_beside(settings, home, **changed))
        http = await stack.enter_async_context(http_client(grome.url))
        proxy = await stack.enter_async_context(fault_proxy(httpx.URL(grome.url).port or 0))
        run = _Storm(plan, settings, container, grome, redis, proxy, stack)
        await run.open(http)
        return await run.run()


@dataclass
class _Storm:
    plan: Plan
    settings: Settings
    container: Container
    grome: RunningGrome
    redis: StoppableServer
    proxy: FaultProxy
    stack: AsyncExitStack
    killed: Counter[str] = field(default_factory=Counter)
    writers: list[Writer] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.plan.seed)  # noqa: S311 -- reproducible, and no secret
        self._live, self._rest = (
            AccessTokens(SigningKeys(self.settings.accounts.signing_key), life_s)
            for life_s in (_LIVE_TOKEN_S, _REST_TOKEN_S)
        )

    # ---- people and their devices

    async def open(self, http: httpx.AsyncClient) -> None:
        for number in range(self.plan.pairs):
            shop = await barber(http, self.container, durations=(30,), timezone="UTC")
            sides = (await register(http), shop.person)
            customer, chair = (self._side(http, side) for side in sides)
            rooms = (["user"], ["user", f"shop:{shop.id}"])
            devices = [
                await self._follower(f"{kind} {number}", rest, wanted)
                for kind, rest, wanted in zip(("customer", "barber"), (customer, chair), rooms, strict=True)
            ]
            dice = random.Random(self.dice.random())  # noqa: S311 -- reproducible, and no secret
            pause_s = self.plan.write_pause_s
            writer = Writer(shop.services[0][0], customer, chair, (devices[0], devices[1]), dice, pause_s)
            self.writers.append(writer)

    def _side(self, http: httpx.AsyncClient, person: Person) -> Rest:
        token = self._rest.read(person.access_token, datetime.now(UTC))
        assert token
        return Rest(http, self._rest, token.actor)

    async def _follower(self, name: str, rest: Rest, rooms: Sequence[str]) -> Follower:
        """The first clients run in Node; half of all speak MessagePack."""
        number = len(self.followers)
        opener = node_client if number < self.plan.node else python_client

        async def token() -> str:
            return self._live.issue(rest.actor, datetime.now(UTC))

        url = f"ws://127.0.0.1:{self.proxy.port}/v1/live"
        client = await self.stack.enter_async_context(opener(url, token, msgpack=number % 2 == 1, **_BACKOFF_S))
        follower = Follower(name, rest, client, rooms)
        self.followers.append(follower)
        return follower

    # ---- the storm

    async def run(self) -> Outcome:
        following = [asyncio.create_task(follower.follow()) for follower in self.followers]
        harming = [
            asyncio.create_task(self.proxy.roll(self.dice, self.plan.fault_pause_s)),
            asyncio.create_task(self._kill_in_turn()),
        ]
        writing = asyncio.gather(*(writer.write(self.plan.seconds) for writer in self.writers))
        try:
            await self._watch(harming + following)
            await _cancel(harming)
            self.proxy.cut_all()
            await writing
            differences = await self._settle()
        finally:
            writing.cancel()
            await _cancel([*harming, *following])
        return await self._outcome(differences)

    async def _watch(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Wait for the end of the storm; raise the failure of a task."""
        done, _ = await asyncio.wait(tasks, timeout=self.plan.seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _kill_in_turn(self) -> None:
        kinds: list[tuple[str, Callable[[], object]]] = [
            ("API worker killed", lambda: kill_worker(self.grome, "Server", self.dice)),
            ("relay's leader killed", lambda: kill_leader(self.grome, self.dice)),
            ("Valkey restarted", self._restart_valkey),
        ]
        while True:
            self.dice.shuffle(kinds)
            for name, kill in kinds:
                await asyncio.sleep(self.plan.kill_pause_s)
                await asyncio.to_thread(kill)
                self.killed[name] += 1
            await asyncio.sleep(self.plan.kill_pause_s)
            await self._flush_valkey()

    def _restart_valkey(self) -> None:
        self.redis.kill()
        time.sleep(_AWAY_S)
        self.redis.start()

    async def _flush_valkey(self) -> None:
        try:
            async with Redis.from_url(self.redis.url) as client:
                await client.flushall()
        except RedisError:
            return
        self.killed["Valkey flushed"] += 1

    async def _settle(self) -> list[str]:
        """Wait until all clients have the server's state; return the differences that remain."""
        ends = time.monotonic() + _SETTLED_WITHIN_S
        while True:
            found = [line for follower in self.followers for line in await follower.differences()]
            if not found or time.monotonic() > ends:
                return found
            await asyncio.sleep(0.5)

    # ---- counting

    async def _outcome(self, differences: list[str]) -> Outcome:
        errors = differences + [fault for follower in self.followers for fault in follower.faults]
        versions = await self._versions_of_bookings()
        figures: Counter[str] = Counter({"clients": len(self.followers)})
        for follower in self.followers:
            own = {booking: versions[booking] for booking in follower.states["user"].bookings}
            for room, stretches in follower.stretches.items():
                counts = find_order_faults(room, stretches, own)
                errors += [f"{follower.name}, {room}: {number} {name}" for name, number in counts.items() if number]
                figures["rooms"] += 1
            figures += follower.figures
        for writer in self.writers:
            figures += writer.figures
            figures["bookings"] += writer.bookings
            if lost := await writer.lost_messages():
                errors.append(f"{lost} acknowledged messages are not stored once")
        return Outcome(errors, figures, self.proxy.faults + self.killed)

    async def _versions_of_bookings(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        async for document in self.container.database[BOOKINGS].find({}):
            for event in PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, self.container.clock())):
                found.setdefault(str(event.subject_id), []).append(event.version)
        return found


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
