"""Provide an application of its own that pays at the local Stripe."""

import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import LocalStripe, stripe_server, with_payments

__all__ = ["app", "container", "database", "http", "stripe_server"]


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    return with_payments(apart(settings, "clients", 13), stripe_server)
