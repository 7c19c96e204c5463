"""One Grome in the tests' own process: fixtures for `conftest.py` files, which import them.

A folder whose tests run workers or count what is there has one of its own: its `conftest.py` imports them as well, and
says by a fixture `settings` where it keeps its data (`apart`).
"""

import copy
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.common.clock import Clock
from grome.composition import AppContext
from grome.infrastructure.migrations import migrate
from grome.migrations import MIGRATIONS
from tests.support.app import served
from tests.support.eventually import PATIENCE_S

__all__ = ["apart", "app", "context", "database", "http", "with_database"]


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
    context = await AppContext.open(settings)
    await context.mongo.drop_database(settings.mongo.database)
    async for _ in migrate(context.database, MIGRATIONS, context.clock):
        pass
    yield
    await context.close()


@pytest.fixture(scope="session")
async def app(settings: Settings, session_clock: Clock, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    async with served(settings, session_clock) as application:
        yield application


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=app.ctx.base_url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def context(app: App) -> AppContext:
    found: AppContext = app.ctx.grome
    return found


def changed(context: AppContext, **parts: Any) -> AppContext:
    """The same Grome with other parts; what was made of the old ones stays as it is."""
    other = copy.copy(context)
    vars(other).update(parts)
    return other
