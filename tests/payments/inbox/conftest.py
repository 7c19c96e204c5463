"""An application of its own with webhook secrets, since these tests count events and run workers."""

import msgspec
import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    stripe = msgspec.structs.replace(settings.stripe, webhook_secrets="whsec_new, whsec_old")
    return msgspec.structs.replace(apart(settings, "stripe_inbox", 9), stripe=stripe)
