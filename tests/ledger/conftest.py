"""A database of its own: tests seal and tamper with all entries."""

from collections.abc import AsyncIterator

import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.support.app import app, container, database, http, with_database

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return with_database(settings, "ledger")


@pytest.fixture
async def empty_ledger(container: Container) -> AsyncIterator[Container]:
    """The container, with no entries before and after the test."""
    await _clear(container)
    yield container
    await _clear(container)


async def _clear(container: Container) -> None:
    await container.database.ledger_entries.delete_many({})
    await container.database.ledger_totals.delete_many({})
