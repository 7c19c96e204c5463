"""Presence over several processes: here several Presence objects, of which each has leases of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from redis.asyncio import Redis

from grome.accounts.preferences import PreferenceService
from grome.common.clock import system_clock
from grome.common.ids import new_hex_id, new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients, open_redis
from grome.realtime.presence import Presence
from grome.realtime.presence_leases import Connections, LeaseTimes, PresenceLeases, shard_of
from tests.support.eventually import until
from tests.support.processes import free_port

SHORT = LeaseTimes(lease_s=1.5, grace_s=0.2, sweep_s=0.05)
# No lease and no grace ends during a test.
LONG = LeaseTimes(lease_s=600.0, grace_s=600.0, sweep_s=0.05)
SECOND = timedelta(seconds=1)

NewProcess = Callable[[LeaseTimes], Presence]


class Announced:
    """Records the announcements of all processes."""

    def __init__(self) -> None:
        self.online: list[UUID] = []
        self.gone: dict[UUID, list[datetime]] = {}

    def came_online(self, account_id: UUID) -> None:
        self.online.append(account_id)

    def left(self, account_id: UUID, last_seen: datetime) -> None:
        self.gone.setdefault(account_id, []).append(last_seen)


class CountingRedis(Redis):
    """Counts commands."""

    commands = 0

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        self.commands += 1
        return await super().execute_command(*args, **options)


@pytest.fixture
def announced() -> Announced:
    return Announced()


@pytest.fixture
def namespace() -> Namespace:
    """Keep the leases of a test apart from the leases of the application."""
    return Namespace(f"presence_{new_hex_id()}", 0)


@pytest.fixture
def preferences(container: Container) -> PreferenceService:
    return container.get(PreferenceService)


@pytest.fixture
def redis(container: Container) -> CountingRedis:
    return CountingRedis(connection_pool=container.get(RedisClients).commands.connection_pool)


@pytest.fixture
async def new_process(
    redis: Redis, namespace: Namespace, preferences: PreferenceService, announced: Announced
) -> AsyncIterator[NewProcess]:
    started: list[Presence] = []

    def start(times: LeaseTimes) -> Presence:
        presence = Presence(PresenceLeases(redis, namespace, times), preferences, announced)
        presence.start()
        started.append(presence)
        return presence

    yield start
    for presence in started:
        await presence.close()


async def leave_and_be_announced(presence: Presence, announced: Announced) -> None:
    """Wait until all earlier departures have been announced, also if two processes announce them."""
    later = new_id()
    await presence.connected(later)
    presence.disconnected(later)
    await until(lambda: later in announced.gone)


async def test_presence_announces_first_and_last_connection_once(new_process: NewProcess, announced: Announced) -> None:
    one, other, person = new_process(SHORT), new_process(SHORT), new_id()
    for presence in (one, one, other):
        assert await presence.connected(person)
    assert announced.online == [person]
    began = system_clock()
    one.disconnected(person)
    one.disconnected(person)
    assert await other.is_online(person)
    other.disconnected(person)
    await until(lambda: person in announced.gone)
    await leave_and_be_announced(other, announced)
    [last_seen] = announced.gone[person]
    assert began - SECOND < last_seen < system_clock() + SECOND
    assert not await one.is_online(person)
    status = (await one.statuses([person]))[person]
    assert (status.online, status.last_seen) == (False, last_seen)
    assert await other.connected(person)
    assert announced.online.count(person) == 2


async def test_presence_reconnect_within_grace_announces_nothing(new_process: NewProcess, announced: Announced) -> None:
    one, other, person = new_process(LONG), new_process(LONG), new_id()
    await one.connected(person)
    one.disconnected(person)
    await until(lambda: _is_offline(one, person))
    assert (await one.statuses([person]))[person].online
    assert await other.connected(person)
    assert (announced.online, announced.gone) == ([person], {})


async def _is_offline(presence: Presence, person: UUID) -> bool:
    return not await presence.is_online(person)


async def test_presence_of_crashed_process_ends_with_its_lease_and_is_announced_once(
    new_process: NewProcess, announced: Announced, redis: Redis, namespace: Namespace
) -> None:
    person, full, living = new_id(), new_id(), [new_process(SHORT), new_process(SHORT)]
    crashed = PresenceLeases(redis, namespace, SHORT)  # writes its leases once, and never again
    await crashed.write(shard_of(person), [Connections(person, 0, 1)])
    await crashed.write(shard_of(full), [Connections(full, 0, 10)])
    wrote = system_clock()
    assert await living[0].is_online(person)
    assert not await living[0].connected(full)
    await until(lambda: person in announced.gone)
    assert not await living[0].is_online(person)
    await until(lambda: living[0].connected(full))
    await leave_and_be_announced(living[0], announced)
    [last_seen] = announced.gone[person]
    assert abs(last_seen - wrote) < SECOND


async def test_presence_refuses_eleventh_connection_over_all_processes(new_process: NewProcess) -> None:
    one, other, person = new_process(LONG), new_process(LONG), new_id()
    assert all(await asyncio.gather(*[one.connected(person) for _ in range(6)]))
    assert sum(await asyncio.gather(*[other.connected(person) for _ in range(5)])) == 4
    assert not await one.connected(person)
    one.disconnected(person)
    await until(lambda: other.connected(person))
    assert not await one.connected(person)


async def test_presence_returns_by_next_renewal_after_redis_lost_its_data(
    new_process: NewProcess, announced: Announced, redis: Redis, namespace: Namespace
) -> None:
    one, other, person = new_process(SHORT), new_process(SHORT), new_id()
    await one.connected(person)
    await redis.delete(*[key async for key in redis.scan_iter(match=namespace.key("*"))])
    await until(lambda: other.is_online(person))
    assert (await other.statuses([person]))[person].online
    assert announced.gone == {}


async def test_presence_of_thousand_reconnecting_clients_needs_few_commands(
    new_process: NewProcess, redis: CountingRedis
) -> None:
    presence, people = new_process(LONG), [new_id() for _ in range(1_000)]
    await presence.connected(new_id())  # loads the script
    redis.commands = 0
    assert all(await asyncio.gather(*[presence.connected(person) for person in people]))
    # One for each shard, and sweeps in between.
    assert redis.commands < 100


async def test_presence_without_redis_counts_connections_of_its_own_process(
    container: Container, preferences: PreferenceService, announced: Announced, namespace: Namespace
) -> None:
    settings = msgspec.structs.replace(container.settings.redis, url=f"redis://127.0.0.1:{free_port()}")
    async with open_redis(settings) as gone:
        presence, person = Presence(PresenceLeases(gone, namespace), preferences, announced), new_id()
        presence.start()
        assert sum([await presence.connected(person) for _ in range(11)]) == 10
        presence.disconnected(person)
        assert await presence.connected(person)
        assert await presence.is_online(person)
        await presence.close()
    assert (announced.online, announced.gone) == ([], {})
