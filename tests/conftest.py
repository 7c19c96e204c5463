"""Shared fixtures: a real mongod and Valkey, and a real server in the event loop of the tests."""

import asyncio
import errno
import gc
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest
import uvloop
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from config.loading import load_settings
from config.settings import Settings
from grome.common.clock import system_clock
from grome.dev.embedded import EmbeddedServers, embedded_servers
from grome.infrastructure.made_keys import with_made_keys
from tests.support.app import app, container, database, http, running
from tests.support.browser import browsers
from tests.support.cluster import ClusterNode, own_cluster
from tests.support.pair_report import PairReport
from tests.support.process_reaper import reap_at_exit
from tests.support.processes import free_port
from tests.support.time_report import TimeReport

__all__ = ["app", "container", "database", "http", "running"]


_MAX_PROCESSES: Final = 4
# The slowest first. A file runs in one process, so the file that begins last decides how long the others have no work.
_SLOW_FILES: Final = (
    "tests/api/test_schemathesis.py",
    "tests/faults/",
    "tests/stateful/",
    "tests/realtime/faults/",
    "tests/webhooks/",
    "tests/migrations/",
    "tests/locustfiles/",
    "tests/api/test_bad_bodies.py",
    "tests/cli/",
    "tests/dev/",
    "tests/docs/",
    "tests/reports/",
    "tests/infrastructure/",
    "tests/nearby/",
    "tests/journeys/",
    "tests/reviews/",
)


# An example has no deadline, and drawing it none either: on a busy machine both measure the machine. Fixtures of one
# function are shared by the examples of a test on purpose.
hypothesis_settings.register_profile(
    "grome",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("grome")


class AdjustableClock:
    """The real time, shifted as a test wishes, or stopped."""

    def __init__(self) -> None:
        self.shift = timedelta()
        self.stopped: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped or system_clock() + self.shift

    def set(self, moment: datetime) -> None:
        """Set the clock, in whole milliseconds like the real clock, because MongoDB stores no more."""
        self.shift = moment - system_clock()


def pytest_report_header() -> str:
    """Which tests of pages there are depends on it."""
    return f"browsers: {', '.join(browsers()) or 'none'}"


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for `-n auto`: two more than the cores, since tests wait as much as they work.

    The numbered databases of a Redis that was given suffice for one process.
    """
    return 1 if os.environ.get("GROME_REDIS_URL") else min(_MAX_PROCESSES, (os.cpu_count() or 1) + 2)


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # collecting ten thousand tests leaves no garbage, but is searched for some a dozen times
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TimeReport())
        config.pluginmanager.register(PairReport())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several processes none is left with a long file at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    """Return the position of the item's file among the slow files."""
    ranks = (rank for rank, start in enumerate(_SLOW_FILES) if item.nodeid.startswith(start))
    return next(ranks, len(_SLOW_FILES))


def pytest_collection_finish() -> None:
    gc.freeze()  # modules and tests stay until the end
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _reap_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with reap_at_exit(tmp_path_factory.getbasetemp()):
        yield


class _Loop(uvloop.Loop):
    """Closes at the end of a process although a connection or a server of its last tests is still open."""

    def close(self) -> None:
        try:
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                super().close()
        except OSError as error:
            if error.errno != errno.EBUSY:  # libuv closes no loop with open handles
                raise


@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Run tests on uvloop, as `grome serve` and its workers run: it needs a quarter less CPU time.

    Overrides a fixture of pytest-asyncio. Its hook for loop factories gives only async tests the parameter, and a test
    without it that uses an async fixture of the session ends the loop, with the application on it.
    """
    return _Loop


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    """GROME_MONGO_URL and GROME_REDIS_URL take precedence over servers of our own, one of each for each process."""
    mongo, redis = os.environ.get("GROME_MONGO_URL"), os.environ.get("GROME_REDIS_URL")
    needed = {"need_mongo": not mongo, "need_redis": not redis}
    ports = {"mongo_port": free_port(), "redis_port": free_port()}
    home = tmp_path_factory.mktemp("home")
    with embedded_servers(home, **needed, **ports) as started:
        yield EmbeddedServers(mongo or started.mongo_url, redis or started.redis_url)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[ClusterNode]]:
    """A Redis Cluster of three primaries. A test that kills a node starts it again."""
    with own_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def settings(servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Settings:
    """By its name the database is one process's own, also where several were given one server."""
    home = tmp_path_factory.mktemp("keys")
    base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)}), home)
    mongo = msgspec.structs.replace(base.mongo, url=servers.mongo_url, database=f"grome_test_{worker_id}")
    redis = msgspec.structs.replace(base.redis, url=servers.redis_url)
    return msgspec.structs.replace(base, mongo=mongo, redis=redis)


@pytest.fixture(scope="session")
def session_clock() -> AdjustableClock:
    return AdjustableClock()


@pytest.fixture
def clock(session_clock: AdjustableClock) -> Iterator[AdjustableClock]:
    """The clock of the application under test; back to the real time after the test."""
    yield session_clock
    session_clock.shift, session_clock.stopped = timedelta(), None
