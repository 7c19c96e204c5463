"""Readiness: which dependencies decide it, the reasons, and the answers of a process that is about to stop."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import msgspec
import pytest
from pymongo.errors import NotPrimaryError, OperationFailure, PyMongoError
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError

from config.settings import Settings
from grome.app import App
from grome.common.clock import system_clock
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, Database
from grome.infrastructure.ops.health import check
from grome.infrastructure.outbox.models import RelayStats
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.redis.client import RedisClients
from tests.builders.searches import NEARBY
from tests.support.app import ChangedContainer
from tests.support.processes import free_port


class Failing:
    """The commands of a server that refuses them, or the relay of a database in this state."""

    def __init__(self, error: Exception | None = None, stats: RelayStats | None = None) -> None:
        self._error, self._stats = error, stats

    async def ping(self) -> bool:
        assert self._error
        raise self._error

    async def command(self, _command: object) -> object:
        assert self._error
        raise self._error

    async def stats(self) -> RelayStats | None:
        return self._stats


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(settings)
    try:
        yield container
    finally:
        await container.close()


async def test_valkey_away_leaves_the_process_ready_and_is_named(settings: Settings) -> None:
    redis = msgspec.structs.replace(settings.redis, url=f"redis://127.0.0.1:{free_port()}/0")
    async with opened(msgspec.structs.replace(settings, redis=redis)) as container:
        found = await check(container)
    assert found.ready
    assert (found.dependencies["redis"].ok, found.dependencies["redis"].required) == (False, False)
    assert found.dependencies["redis"].fault == "is not reachable"
    assert found.dependencies["mongodb"].ok


async def test_mongodb_away_makes_the_process_unready(settings: Settings) -> None:
    url = f"mongodb://127.0.0.1:{free_port()}/?directConnection=true"
    mongo = msgspec.structs.replace(settings.mongo, url=url, timeout_ms=200)
    async with opened(msgspec.structs.replace(settings, mongo=mongo)) as container:
        found = await check(container)
    assert not found.ready
    assert (found.dependencies["mongodb"].required, found.dependencies["mongodb"].fault) == (True, "is not reachable")
    assert found.dependencies["redis"].ok


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (AuthenticationError("WRONGPASS 10.0.0.7"), "refuses our credentials"),
        (BusyLoadingError("loading"), "is loading its data"),
    ],
)
async def test_fault_of_valkey_is_told_in_our_own_words(container: Container, error: RedisError, fault: str) -> None:
    clients = dataclasses.replace(container.get(RedisClients), commands=cast("Redis", Failing(error)))
    found = await check(ChangedContainer(container, objects={RedisClients: clients}))
    assert found.dependencies["redis"].fault == fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OperationFailure("Authentication failed on 10.0.0.7", 18), "refuses our credentials"),
        (NotPrimaryError("not primary"), "has no primary"),
        (OperationFailure("anything", 8000), "is not reachable"),
    ],
)
async def test_fault_of_mongodb_is_told_in_our_own_words(container: Container, error: PyMongoError, fault: str) -> None:
    found = await check(ChangedContainer(container, objects={Database: Failing(error)}))
    assert not found.ready
    assert found.dependencies["mongodb"].fault == fault


async def test_replica_set_without_a_primary_is_told_before_the_driver_gives_up(container: Container) -> None:
    class Topology:
        def server_descriptions(self) -> dict[str, Any]:
            return {"a secondary": type("Server", (), {"is_readable": True})}

        def has_writable_server(self) -> bool:
            return False

    client = type("HeadlessClient", (), {"topology_description": Topology()})
    found = await check(ChangedContainer(container, objects={Client: client}))
    assert found.dependencies["mongodb"].fault == "has no primary"


@pytest.mark.parametrize(
    ("silent_s", "fault"), [(None, "has never run"), (3.0, None), (42.0, "no process leads it since 42 s")]
)
async def test_silent_relay_is_named_and_not_required(
    container: Container, silent_s: float | None, fault: str | None
) -> None:
    stats = None if silent_s is None else RelayStats(0.0, silent_s, system_clock() - timedelta(days=1), 7)
    found = await check(ChangedContainer(container, objects={Relay: Failing(stats=stats)}))
    assert found.ready
    assert found.dependencies["relay"].fault == fault


class TestStopping:
    @pytest.fixture(autouse=True)
    def stopping(self, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(app.state, "is_stopping", True)

    async def test_readiness_of_a_stopping_process_is_503(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/health/ready")
        assert (response.status_code, response.json()) == (
            503,
            {"ready": False, "fault": "is stopping", "dependencies": {}},
        )

    @pytest.mark.parametrize("path", ["/health/live", f"{NEARBY}?lat=1&lng=1", "/v1/me", "/nowhere"])
    async def test_response_of_a_stopping_process_ends_its_connection(self, http: httpx.AsyncClient, path: str) -> None:
        for _ in range(2):
            response = await http.get(path)
            assert response.status_code < 500
            assert response.headers["connection"] == "close"

    async def test_readiness_of_a_replaced_process_is_that_of_its_dependencies(
        self, app: App, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its replacement takes requests already, so a load balancer must not leave."""
        monkeypatch.setattr(app.ctx, "is_replaced", True)
        response = await http.get("/health/ready")
        assert (response.status_code, response.headers["connection"]) == (200, "close")
