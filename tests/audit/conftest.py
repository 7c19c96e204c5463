"""A database of its own: tests tamper with all records."""

from collections.abc import AsyncIterator

import pytest

from config.settings import Settings
from grome.audit.repository import COLLECTIONS
from grome.infrastructure.container import Container
from tests.support.app import app, container, database, http, with_database

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return with_database(settings, "audit")


@pytest.fixture
async def empty_trail(container: Container) -> AsyncIterator[Container]:
    """The container, with no records and heads before and after the test."""
    await _clear(container)
    yield container
    await _clear(container)


async def _clear(container: Container) -> None:
    for spec in COLLECTIONS:
        await container.database[spec.name].delete_many({})
