"""Delete the jobs that tests of reports leave behind."""

from collections.abc import AsyncIterator

import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from grome.reports.service import MAKE_REPORT
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "reports", 13)


@pytest.fixture(autouse=True)
async def no_jobs_left(container: Container) -> AsyncIterator[None]:
    yield
    await container.database["jobs"].delete_many({"kind": MAKE_REPORT.name})
