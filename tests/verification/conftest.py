"""Run these tests on a Grome of their own, which takes new barbers by the approval of an admin."""

import msgspec
import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    barbers = msgspec.structs.replace(settings.barbers, approval="admin")
    return msgspec.structs.replace(apart(settings, "verification", 11), barbers=barbers)
