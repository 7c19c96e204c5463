"""The application on a real listening socket in the test's own event loop, and fixtures for `conftest.py` files.

A folder with tests that run workers or count documents needs an application of its own: its `conftest.py` imports the
fixtures too, and overrides `settings` by `apart`.
"""

import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from sanic import Sanic

from config.settings import Settings
from grome.app import App, create_app
from grome.common.clock import Clock, system_clock
from grome.composition import PROVIDERS, open_container
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from grome.nearby.fast_path import protocol_class
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome

T = TypeVar("T")


@asynccontextmanager
async def serve_app(settings: Settings, clock: Clock = system_clock, port: int = 0) -> AsyncIterator[App]:
    """Several at a time can be; `app.ctx.base_url` says where. Without a port, any free port is used."""
    application = create_app(settings, clock)
    # Sanic keeps one application of a name, and can rewrite its own source for one only (as it does in `running`).
    Sanic.unregister_app(application)
    application.config.TOUCHUP = False
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    server = await application.create_server(
        sock=listener, return_asyncio_server=True, protocol=protocol_class(settings)
    )
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.after_start()
    await server.start_serving()
    application.ctx.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield application
    finally:
        await server.before_stop()
        server.close()
        await server.wait_closed()
        await server.after_stop()


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
    async with serve_app(settings, session_clock) as application:
        yield application


@pytest.fixture(scope="session")
def running(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGrome]:  # noqa: ARG001
    """One Grome in its own processes, on the servers that the application in this process uses too.

    No job workers: they would run the jobs that other tests have added.
    """
    with running_grome(settings, tmp_path_factory.mktemp("running"), GROME_JOBS_WORKERS="0") as started:
        yield started


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(app.ctx.base_url) as client:
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
