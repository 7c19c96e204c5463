"""Run these tests on a Grome of their own: searches are compared with a scan of all stored barbers."""

import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "barbers", 5)
