"""What the tests of reports leave behind is no other test's business."""

from collections.abc import AsyncIterator

import pytest

from config.settings import Settings
from grome.composition import AppContext
from grome.reports.service import MAKE_REPORT
from tests.support.one_grome import apart, app, context, database, http

__all__ = ["app", "context", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "reports", 13)


@pytest.fixture(autouse=True)
async def no_jobs_left(context: AppContext) -> AsyncIterator[None]:
    yield
    await context.database["jobs"].delete_many({"kind": MAKE_REPORT.name})
