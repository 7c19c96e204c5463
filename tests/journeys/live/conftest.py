"""An application of its own, because its worker runs all jobs."""

import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "live_journey", 2)
