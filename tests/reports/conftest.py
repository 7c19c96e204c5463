"""What the tests of reports leave behind is no other test's business."""

from collections.abc import AsyncIterator

import pytest

from grome.context import AppContext
from grome.reports.service import MAKE_REPORT


@pytest.fixture(autouse=True)
async def no_jobs_left(context: AppContext) -> AsyncIterator[None]:
    yield
    await context.database["jobs"].delete_many({"kind": MAKE_REPORT.name})
