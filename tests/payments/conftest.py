"""Provide an application of its own that pays at the local Stripe."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import (
    PUBLISHABLE_KEY,
    SECRET_KEY,
    WEBHOOK_SECRET,
    LocalStripe,
    StripeControl,
    local_stripe,
)

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
async def stripe(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    control = StripeControl(stripe_server.url)
    await control.end_faults()
    yield control
    await control.end_faults()
    await control.close()


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    paid = msgspec.structs.replace(
        settings.stripe,
        secret_key=SECRET_KEY,
        publishable_key=PUBLISHABLE_KEY,
        webhook_secrets=WEBHOOK_SECRET,
        url=stripe_server.url,
    )
    return msgspec.structs.replace(apart(settings, "payments", 13), stripe=paid)
