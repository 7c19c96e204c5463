"""Servers that a test may stop, and applications that use them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.barbers.change_feed import BarberChangeFeed
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.migrations import MIGRATIONS
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.servers import StoppableServer, own_mongod, own_valkey

MONGO_TIMEOUT_S = 1.5


@dataclass(frozen=True)
class OwnServers:
    mongo: StoppableServer
    redis: StoppableServer


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with own_valkey(tmp_path_factory.mktemp("valkey")) as redis, own_mongod(tmp_path_factory.mktemp("mongod")) as mongo:
        yield OwnServers(mongo, redis)


@pytest.fixture
def own(own_servers: OwnServers) -> Iterator[OwnServers]:
    """Yield the servers, and start them again after the test."""
    yield own_servers
    own_servers.redis.start()
    own_servers.mongo.start()


@pytest.fixture(scope="session")
def own_settings(settings: Settings, own_servers: OwnServers) -> Settings:
    mongo = msgspec.structs.replace(settings.mongo, url=own_servers.mongo.url, timeout_ms=int(MONGO_TIMEOUT_S * 1000))
    redis = msgspec.structs.replace(settings.redis, url=own_servers.redis.url)
    return msgspec.structs.replace(settings, mongo=mongo, redis=redis)


@pytest.fixture(scope="session")
async def own_database(own_settings: Settings) -> None:
    container = await open_container(own_settings)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    await container.close()


@pytest.fixture
async def own_app(own: OwnServers, own_settings: Settings, own_database: None) -> AsyncIterator[App]:  # noqa: ARG001
    async with serve_app(own_settings) as app:
        await until(lambda: listening(app.ctx.container))
        yield app


@pytest.fixture
async def here(own_app: App) -> Container:
    """Return the services of the application."""
    container: Container = own_app.ctx.container
    return container


@pytest.fixture
async def elsewhere(own: OwnServers, own_settings: Settings) -> AsyncIterator[Container]:  # noqa: ARG001
    """Open services that behave like another process."""
    container = await open_container(own_settings)
    await until(lambda: listening(container))
    yield container
    await container.close()


@pytest.fixture
async def http(own_app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(own_app.ctx.base_url) as client:
        yield client


def listening(container: Container) -> bool:
    return container.get(BarberChangeFeed).listening
