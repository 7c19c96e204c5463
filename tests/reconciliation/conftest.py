"""Provide an application of its own that pays at the local Stripe, which sends no notifications."""

from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest
import stripe

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.conftest import AdjustableClock
from tests.reconciliation.world import World
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, LocalStripe, StripeControl, local_stripe

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
async def control(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    opened = StripeControl(stripe_server.url)
    await opened.end_faults()
    yield opened
    await opened.end_faults()
    await opened.close()


@pytest.fixture
async def dashboard(stripe_server: LocalStripe) -> AsyncIterator[stripe.StripeClient]:
    """Another program with the same secret key, such as Stripe's dashboard."""
    async with stripe_server.client() as client:
        yield client


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    paid = msgspec.structs.replace(
        settings.stripe,
        secret_key=SECRET_KEY,
        publishable_key=PUBLISHABLE_KEY,
        webhook_secrets=WEBHOOK_SECRET,
        url=stripe_server.url,
    )
    return msgspec.structs.replace(apart(settings, "reconciliation", 12), stripe=paid)


@pytest.fixture
def world(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    control: StripeControl,
    dashboard: stripe.StripeClient,
) -> World:
    return World(http, container, clock, control, dashboard)
