"""Provide an application of its own that pays at the local Stripe, which sends no notifications."""

from collections.abc import AsyncIterator

import httpx
import pytest
import stripe

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.conftest import AdjustableClock
from tests.reconciliation.world import World
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import LocalStripe, StripeControl, control, stripe_server, with_payments

__all__ = ["app", "container", "control", "database", "http", "stripe_server"]


@pytest.fixture
async def dashboard(stripe_server: LocalStripe) -> AsyncIterator[stripe.StripeClient]:
    """Another program with the same secret key, such as Stripe's dashboard."""
    async with stripe_server.client() as client:
        yield client


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    return with_payments(apart(settings, "reconciliation", 12), stripe_server)


@pytest.fixture
def world(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    control: StripeControl,
    dashboard: stripe.StripeClient,
) -> World:
    return World(http, container, clock, control, dashboard)
