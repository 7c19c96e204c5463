"""What all tests stand on: a real mongod and Valkey, and one real server in the test's own event loop."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from config.settings import Settings, load_settings
from grome.accounts.tokens import keep_signing_key
from grome.common.clock import system_clock
from grome.embedded import EmbeddedServers, embedded_servers
from tests.browser import browsers
from tests.one_grome import app, context, database, http
from tests.running import Running, running_grome

__all__ = ["app", "context", "database", "http"]


class SetClock:
    """The real time, shifted as a test wishes."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.shift

    def set(self, moment: datetime) -> None:
        self.shift = moment - datetime.now(UTC)


def pytest_report_header() -> str:
    """Which tests of pages there are depends on it."""
    return f"browsers: {', '.join(browsers()) or 'none'}"


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """GROME_MONGO_URL and GROME_REDIS_URL take precedence over servers of our own."""
    mongo, redis = os.environ.get("GROME_MONGO_URL"), os.environ.get("GROME_REDIS_URL")
    with embedded_servers(tmp_path_factory.mktemp("home"), need_mongo=not mongo, need_redis=not redis) as started:
        yield EmbeddedServers(mongo or started.mongo_url, redis or started.redis_url)


@pytest.fixture(scope="session")
def settings(servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("keys")
    base = load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)})
    accounts = msgspec.structs.replace(base.accounts, signing_key=keep_signing_key(home))
    mongo = msgspec.structs.replace(base.mongo, url=servers.mongo_url, database="grome_test")
    redis = msgspec.structs.replace(base.redis, url=servers.redis_url)
    return msgspec.structs.replace(base, accounts=accounts, mongo=mongo, redis=redis)


@pytest.fixture(scope="session")
def session_clock() -> SetClock:
    return SetClock()


@pytest.fixture
def clock(session_clock: SetClock) -> Iterator[SetClock]:
    """The clock of the application under test; back to the real time after the test."""
    yield session_clock
    session_clock.shift = timedelta()


@pytest.fixture(scope="session")
def running(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:  # noqa: ARG001
    """One Grome in its own processes, on the servers that the application in this process uses too.

    Without job workers: they would take from the queue, and end in the database, what other tests have put there.
    """
    with running_grome(settings, tmp_path_factory.mktemp("running"), GROME_JOBS_WORKERS="0") as started:
        yield started
