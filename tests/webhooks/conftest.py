"""Provide a Grome with its own database and queues that may send to this machine."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import msgspec
import pytest
from loguru import logger

from config.settings import Settings
from grome.app import App
from grome.composition import open_container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.infrastructure.redis.client import RedisClients
from grome.migrations import MIGRATIONS
from tests.conftest import AdjustableClock
from tests.support.app import apart, app, container, database, http, serve_app
from tests.support.http_client import http_client
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.trial import Trial

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "webhooks", 12)


_SOON_S = 1.0


@pytest.fixture(scope="session")
def trial_settings(settings: Settings) -> Settings:
    webhooks = msgspec.structs.replace(settings.webhooks, private_addresses=True, timeout_s=_SOON_S)
    return msgspec.structs.replace(apart(settings, "trial", 7), webhooks=webhooks)


@pytest.fixture(scope="session")
def trial_clock() -> AdjustableClock:
    return AdjustableClock()


@pytest.fixture(scope="session")
async def trial_app(trial_settings: Settings, trial_clock: AdjustableClock) -> AsyncIterator[App]:
    container = await open_container(trial_settings)
    await container.get(Client).drop_database(trial_settings.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    async with serve_app(trial_settings, trial_clock) as application:
        yield application
    await container.get(Client).drop_database(trial_settings.mongo.database)
    await container.get(RedisClients).commands.flushdb()
    await container.close()


@pytest.fixture
async def trial(trial_app: App, trial_clock: AdjustableClock) -> AsyncIterator[Trial]:
    async with http_client(trial_app.ctx.base_url) as client:
        yield Trial(trial_app, client, trial_clock)


@pytest.fixture(autouse=True)
def _real_time(trial_clock: AdjustableClock) -> Iterator[None]:
    yield
    trial_clock.shift = timedelta()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """Collect all log lines of the test."""
    lines: list[str] = []
    number = logger.add(lambda line: lines.append(str(line)), level="DEBUG")
    yield lambda: "".join(lines)
    logger.remove(number)
