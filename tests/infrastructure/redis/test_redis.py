"""A subscription while its server is killed, held still, started again, or was never one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from config.sections.servers import RedisSettings
from grome.infrastructure.redis.client import Subscription, open_redis, open_subscribing_redis
from tests.support.eventually import until
from tests.support.servers import StoppableServer, own_valkey

CHANNEL = "test:news"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoppableServer]:
    with own_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def server(own_server: StoppableServer) -> Iterator[StoppableServer]:
    yield own_server
    own_server.start()


@pytest.fixture
async def publisher(server: StoppableServer) -> AsyncIterator[Redis]:
    async with open_redis(RedisSettings(url=server.url)) as redis:
        yield redis


@dataclass
class Ear:
    """Records the calls of a subscription. It chokes on a message that is no number."""

    numbers: list[int] = field(default_factory=list)
    missed: int = 0

    def heard(self, message: bytes) -> None:
        self.numbers.append(int(message))

    def lost(self) -> None:
        self.missed += 1


@asynccontextmanager
async def subscribed(url: str, ear: Ear, timeout_s: float = 2.0) -> AsyncIterator[Subscription]:
    async with open_subscribing_redis(RedisSettings(url=url, timeout_s=timeout_s)) as redis:
        subscription = Subscription(redis, CHANNEL, ear.heard, ear.lost)
        subscription.start()
        yield subscription
        await subscription.close()


async def test_subscription_receives_messages_in_order(server: StoppableServer, publisher: Redis) -> None:
    ear = Ear()
    async with subscribed(server.url, ear) as subscription:
        await until(lambda: subscription.is_live)
        for number in range(1_000):
            await publisher.publish(CHANNEL, number)
        await until(lambda: len(ear.numbers) == 1_000)
    assert ear.numbers == list(range(1_000))
    assert ear.missed == 1  # messages before the subscription were missed


async def test_subscription_with_a_lost_connection_reconnects_and_reports_the_gap(
    server: StoppableServer, publisher: Redis
) -> None:
    ear = Ear()
    async with subscribed(server.url, ear) as subscription:
        await until(lambda: subscription.is_live)
        server.kill()
        await until(lambda: not subscription.is_live)
        assert ear.missed == 2
        await asyncio.to_thread(server.start)
        await until(lambda: subscription.is_live)
        assert ear.missed == 3
        await publisher.publish(CHANNEL, 7)
        await until(lambda: ear.numbers == [7])


async def test_subscription_with_a_silent_server_reports_the_gap_and_recovers(
    server: StoppableServer, publisher: Redis
) -> None:
    """A second of silence, and another one without an answer to a question; a quiet channel alone is no fault."""
    ear = Ear()
    async with subscribed(server.url, ear) as subscription:
        await until(lambda: subscription.is_live)
        await asyncio.sleep(2.5)
        assert (subscription.is_live, ear.missed) == (True, 1)
        server.freeze()
        await until(lambda: not subscription.is_live)
        assert ear.missed == 2
        server.resume()
        await until(lambda: subscription.is_live)
        await publisher.publish(CHANNEL, 7)
        await until(lambda: ear.numbers == [7])


async def test_subscription_with_a_mute_server_times_out_and_retries() -> None:
    """As a proxy without a server behind it does. Nothing closes that connection but the subscription itself."""
    ear, connections = Ear(), []
    mute = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1", 0)
    port = mute.sockets[0].getsockname()[1]
    async with subscribed(f"redis://127.0.0.1:{port}/0", ear, timeout_s=0.3) as subscription:
        await until(lambda: len(connections) > 1)  # it has tried again
        assert (subscription.is_live, ear.missed) == (False, 0)
    for writer in connections:
        writer.close()
    mute.close()
    await mute.wait_closed()


async def test_subscription_with_an_unreadable_message_reports_a_gap(server: StoppableServer, publisher: Redis) -> None:
    ear = Ear()
    async with subscribed(server.url, ear) as subscription:
        await until(lambda: subscription.is_live)
        await publisher.publish(CHANNEL, "what?")
        await until(lambda: ear.missed == 3)  # distrusted at once, and when it was heard anew
        assert subscription.is_live
        await publisher.publish(CHANNEL, 7)
        await until(lambda: ear.numbers == [7])
