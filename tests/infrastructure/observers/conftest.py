"""Workers run any job, so these tests have a Grome of their own."""

import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "observers", 15)
