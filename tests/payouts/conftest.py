"""An application with payouts, and the local Stripe."""

import httpx
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import LocalStripe, control, stripe_server, with_payments

__all__ = ["app", "container", "control", "database", "http", "stripe_server"]


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    return with_payments(apart(settings, "payouts", 9), stripe_server)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)
