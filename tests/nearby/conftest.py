"""Run these tests on a Grome of their own: searches are compared with a scan of all stored barbers."""

import pytest

from config.settings import Settings
from tests.support.one_grome import apart, app, context, database, http

__all__ = ["app", "context", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "nearby", 6)
