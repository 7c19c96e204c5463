"""One Grome in the tests' own process: fixtures for `conftest.py` files, which import them.

A folder whose tests run workers or count what is there has one of its own: its `conftest.py` imports them as well, and
says by a fixture `settings` where it keeps its data (`apart`).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.common.clock import Clock
from grome.composition import PROVIDERS, open_container
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from tests.support.app import served
from tests.support.eventually import PATIENCE_S

__all__ = ["apart", "app", "container", "database", "http", "with_database"]

T = TypeVar("T")


def apart(settings: Settings, name: str, redis_number: int) -> Settings:
    """The same servers with another database and other queues."""
    redis = msgspec.structs.replace(settings.redis, url=f"{settings.redis.url.rpartition('/')[0]}/{redis_number}")
    return msgspec.structs.replace(with_database(settings, name), redis=redis)


def with_database(settings: Settings, name: str) -> Settings:
    """The same servers and queues with another database, which no other test process uses."""
    mongo = msgspec.structs.replace(settings.mongo, database=f"{settings.mongo.database}_{name}")
    return msgspec.structs.replace(settings, mongo=mongo)


@pytest.fixture(scope="session")
async def database(settings: Settings) -> AsyncIterator[None]:
    """The collections as the migrations make them, dropped beforehand where a server is reused."""
    container = await open_container(settings)
    await container.get(Client).drop_database(settings.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    yield
    await container.close()


@pytest.fixture(scope="session")
async def app(settings: Settings, session_clock: Clock, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    async with served(settings, session_clock) as application:
        yield application


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=app.ctx.base_url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def container(app: App) -> Container:
    found: Container = app.ctx.container
    return found


class ChangedContainer(Container):
    """A container with other settings or objects; objects that were built before stay as they are."""

    def __init__(
        self, original: Container, settings: Settings | None = None, objects: Mapping[Any, object] | None = None
    ) -> None:
        super().__init__(settings or original.settings, original.clock, PROVIDERS)
        self._original, self._objects = original, objects or {}

    def get(self, kind: type[T]) -> T:
        return self._objects[kind] if kind in self._objects else self._original.get(kind)
