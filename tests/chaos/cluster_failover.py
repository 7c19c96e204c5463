"""Kill primaries of a Redis Cluster under load, and count failed requests, lost live events and the time to recover.

`python -m tests.chaos.cluster_failover` runs it, with MongoDB, a Valkey for the job queues and a cluster of six nodes.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import httpx
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import open_redis
from grome.live_client.client import LiveClient
from grome.live_client.items import Disconnected, Event, Recovered, Reload
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, new_email, register
from tests.builders.searches import NEARBY
from tests.chaos.run import DRAINED_WITHIN_S, migrated_container, settings_for
from tests.support.cluster import PRIMARIES, ClusterNode, cluster_url, own_cluster
from tests.support.eventually import until
from tests.support.http_client import TLS, http_client
from tests.support.processes import running_grome_beside
from tests.support.servers import own_mongod, own_valkey

_BARBERS: Final = 8
_CALM_S: Final = 5.0  # before the first kill, between the kills, and after the last
_PAUSES_S: Final = {"booking": 0.1, "search": 0.02, "sign-in": 0.1, "own profile": 0.05}
_SEARCHERS: Final = 2
_SIGN_INS_A_MINUTE: Final = 20
_ADDRESSES: Final = [f"127.0.9.{number}" for number in (1, 2)]
_TIMEOUT_S: Final = 15
_LIVE_PATIENCE_S: Final = 30.0
_PROBES: Final = [f"probe:{number}" for number in range(50)]


@dataclass
class Kill:
    """The seconds after a kill until each slot could be written, and until `/health/ready` named no fault of Redis."""

    what: str
    began: float = field(default_factory=time.monotonic)
    writable_s: float = 0.0
    healthy_s: float = 0.0


@dataclass
class Outcome:
    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    slowest_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    kills: list[Kill] = field(default_factory=list)
    live: Counter[str] = field(default_factory=Counter)
    latest_event_s: float = 0.0
    granted: Counter[str] = field(default_factory=Counter)
    quota: float = 0.0
    lost_events: int = 0
    undone_jobs: int = 0

    @property
    def is_right(self) -> bool:
        failed_bookings = sum(number for status, number in self.statuses["booking"].items() if status != 201)
        return not (failed_bookings or self.lost_events or self.undone_jobs)

    def tables(self) -> list[Table]:
        requests = Table("requests", "sent", "by status", "slowest")
        for name, statuses in sorted(self.statuses.items()):
            by_status = ", ".join(f"{status}: {number:,}" for status, number in sorted(statuses.items()))
            requests.add_row(name, f"{sum(statuses.values()):,}", by_status, f"{self.slowest_s[name] * 1_000:.0f} ms")
        kills = Table("killed", "all slots writable after", "healthy after")
        for kill in self.kills:
            kills.add_row(kill.what, f"{kill.writable_s:.1f} s", f"{kill.healthy_s:.1f} s")
        live = Table("effect", "count")
        for name, number in sorted(self.live.items()):
            live.add_row(name, f"{number:,}")
        live.add_row("bookings that a client does not know", f"{self.lost_events}")
        live.add_row("latest event after its booking", f"{self.latest_event_s:.1f} s")
        live.add_row("jobs that are not done", f"{self.undone_jobs}")
        live.add_row("sign-ins of an address: granted at most", f"{max(self.granted.values())}")
        live.add_row("sign-ins of an address: quota for the time", f"{self.quota:.0f}")
        return [requests, kills, live]


class _Device:
    """A barber's device: it knows the bookings that live events and reloads told it."""

    def __init__(self, shop: Barber, container: Container, outcome: Outcome) -> None:
        self.shop, self._container, self._outcome = shop, container, outcome
        self.known_at: dict[str, float] = {}

    async def follow(self, url: str) -> None:
        async def token() -> str:
            return self.shop.person.access_token

        async with LiveClient(f"{url.replace('http', 'ws', 1)}/v1/live", token) as client:
            client.subscribe("user")
            async for item in client:
                await self._take(item)

    async def _take(self, item: object) -> None:
        match item:
            case Event(data={"type": "booking.requested", "subject": booking_id}):
                self.known_at.setdefault(booking_id, time.monotonic())
            case Reload():
                stored = self._container.database["bookings"].find({"barber_id": self.shop.person.id}, {"_id": 1})
                for found in await stored.to_list():
                    self.known_at.setdefault(str(found["_id"]), time.monotonic())
            case _:
                pass
        if isinstance(item, Reload | Recovered | Disconnected):
            self._outcome.live[type(item).__name__.lower()] += 1


@dataclass
class _Run:
    nodes: Sequence[ClusterNode]
    container: Container
    http: httpx.AsyncClient
    clients: Mapping[str, httpx.AsyncClient]
    redis: Redis
    freezes: bool
    outcome: Outcome = field(default_factory=Outcome)
    booked_at: list[tuple[_Device, str, float]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    places: Iterator[int] = field(default_factory=itertools.count)
    addresses: Iterator[str] = field(default_factory=lambda: itertools.cycle(_ADDRESSES))
    ended: bool = False

    async def run(self, url: str) -> Outcome:
        shops = [await barber(self.http, self.container, durations=(5,), timezone="UTC") for _ in range(_BARBERS)]
        devices = [_Device(shop, self.container, self.outcome) for shop in shops]
        customers = [await register(self.http) for _ in shops]
        following = [asyncio.create_task(device.follow(url)) for device in devices]
        await until(lambda: self.outcome.live["reload"] >= _BARBERS)
        load, began = [asyncio.create_task(task) for task in self._load(devices, customers)], time.monotonic()
        await self._kill_twice()
        self.ended = True
        await asyncio.gather(*load)
        self.outcome.quota = _SIGN_INS_A_MINUTE * (1 + (time.monotonic() - began) / 60)
        await self._count()
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        return self.outcome

    # ---- load

    def _load(self, devices: Sequence[_Device], customers: Sequence[Person]) -> list[Any]:
        return [
            self._repeat("booking", lambda: self._book(devices, customers)),
            *(self._repeat("search", self._search) for _ in range(_SEARCHERS)),
            self._repeat("sign-in", self._sign_in),
            self._repeat("own profile", lambda: self.http.get("/v1/me", headers=customers[0].auth)),
        ]

    async def _repeat(self, name: str, send: Callable[[], Awaitable[httpx.Response]]) -> None:
        while not self.ended:
            began = time.monotonic()
            answer = await send()
            self.outcome.statuses[name][answer.status_code] += 1
            self.outcome.slowest_s[name] = max(self.outcome.slowest_s[name], time.monotonic() - began)
            await asyncio.sleep(_PAUSES_S[name])

    async def _book(self, devices: Sequence[_Device], customers: Sequence[Person]) -> httpx.Response:
        number = next(self.numbers)
        device, customer = devices[number % len(devices)], customers[number % len(customers)]
        day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
        start = (day + timedelta(minutes=5 * (number // len(devices)))).isoformat()
        body = {"barber_id": device.shop.id, "service_ids": [device.shop.services[0][0]], "scheduled_at": start}
        answer = await self.http.post("/v1/bookings", json=body, headers=customer.auth)
        if answer.status_code == httpx.codes.CREATED:
            self.booked_at.append((device, answer.json()["id"], time.monotonic()))
        return answer

    async def _search(self) -> httpx.Response:
        # Each search is of another place, so that cells are read.
        place = next(self.places)
        query = {"lat": 52.0 + place % 50 / 10, "lng": 13.0 + place % 47 / 10, "radius_km": 5}
        return await self.http.get(NEARBY, params=query)

    async def _sign_in(self) -> httpx.Response:
        address = next(self.addresses)
        wrong = {"email": new_email(), "password": "not the password"}
        answer = await self.clients[address].post("/v1/auth/login", json=wrong)
        self.outcome.granted[address] += answer.status_code == httpx.codes.UNAUTHORIZED
        return answer

    # ---- kills

    async def _kill_twice(self) -> None:
        """Kill a primary; start it again, so that it follows the node that took over; then kill that node."""
        await asyncio.sleep(_CALM_S)
        first, second = self.nodes[0], self.nodes[PRIMARIES]
        await self._kill(first, "a primary")
        await asyncio.to_thread(first.resume if self.freezes else first.start)
        await asyncio.to_thread(first.server.wait_until, first.has_caught_up)
        await asyncio.sleep(_CALM_S)
        assert second.is_primary()
        await self._kill(second, "the primary that took over")
        await asyncio.sleep(_CALM_S)

    async def _kill(self, node: ClusterNode, what: str) -> None:
        kill = Kill(what)
        await asyncio.to_thread(node.freeze if self.freezes else node.kill)
        await asyncio.gather(self._await_writable(kill), self._await_healthy(kill))
        self.outcome.kills.append(kill)

    async def _await_writable(self, kill: Kill) -> None:
        async def are_writable() -> bool:
            try:
                await asyncio.gather(*(self.redis.set(key, b"1") for key in _PROBES))
            except RedisError:
                return False
            return True

        await until(are_writable)
        kill.writable_s = time.monotonic() - kill.began

    async def _await_healthy(self, kill: Kill) -> None:
        async def is_healthy() -> bool:
            return bool((await self.http.get("/health/ready")).json()["dependencies"]["redis"]["ok"])

        await until(is_healthy)
        kill.healthy_s = time.monotonic() - kill.began

    # ---- counting

    async def _count(self) -> None:
        with suppress(AssertionError):
            await until(lambda: not self._unknown(), within_s=_LIVE_PATIENCE_S)
        self.outcome.lost_events = len(self._unknown())
        delays = [device.known_at[key] - at for device, key, at in self.booked_at if key in device.known_at]
        self.outcome.latest_event_s = max(delays)
        jobs = self.container.database["jobs"]

        async def is_drained() -> bool:
            return not await jobs.count_documents({"state": "pending"})

        await until(is_drained, within_s=DRAINED_WITHIN_S)
        self.outcome.undone_jobs = await jobs.count_documents({"state": {"$ne": "done"}})

    def _unknown(self) -> list[str]:
        return [key for device, key, _ in self.booked_at if key not in device.known_at]


async def fail_over(home: Path, *, freezes: bool) -> Outcome:
    """Kill primaries under load, or hold them still."""
    for folder in ("mongo", "queues", "cluster"):
        (home / folder).mkdir()
    async with AsyncExitStack() as stack:
        mongo = stack.enter_context(own_mongod(home / "mongo"))
        queues = stack.enter_context(own_valkey(home / "queues"))
        nodes = stack.enter_context(own_cluster(home / "cluster", with_replicas=True))
        settings = settings_for(home, mongo.url, cluster_url(nodes))
        settings = msgspec.structs.replace(
            settings, redis=msgspec.structs.replace(settings.redis, queues_url=queues.url)
        )
        changed = {"GROME_REDIS_QUEUES_URL": queues.url, "GROME_LIMITS_SIGN_IN": str(_SIGN_INS_A_MINUTE)}
        container = await stack.enter_async_context(migrated_container(settings))
        grome = await stack.enter_async_context(running_grome_beside(settings, home, **changed))
        http = await stack.enter_async_context(http_client(grome.url, timeout_s=_TIMEOUT_S))
        redis = await stack.enter_async_context(aclosing(open_redis(settings.redis)))
        clients = {each: await stack.enter_async_context(_client_at(each, grome.url)) for each in _ADDRESSES}
        return await _Run(nodes, container, http, clients, redis, freezes).run(grome.url)


def _client_at(address: str, url: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=TLS)
    return httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, transport=transport)


@click.command()
@click.option(
    "--freeze", "freezes", is_flag=True, help="Hold nodes still instead: they accept connections and say nothing."
)
def main(*, freezes: bool) -> None:
    """Kill a primary of a Redis Cluster, then the node that took over, under load."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="grome-cluster-") as folder:
        outcome = asyncio.run(fail_over(Path(folder), freezes=freezes))
    for table in outcome.tables():
        console.print(table)
    sys.exit(0 if outcome.is_right else 1)


if __name__ == "__main__":
    main()
