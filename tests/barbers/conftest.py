"""Words are sought among everybody there is, so these tests have a Grome of their own, with few."""

import pytest

from config.settings import Settings
from tests.support.one_grome import apart, app, context, database, http

__all__ = ["app", "context", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "barbers", 5)
