"""An application of its own that pays at the local Stripe."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from config.settings import Settings
from tests.support.app import apart, app, container, database, http
from tests.support.stripe import PUBLISHABLE_KEY, SECRET_KEY, LocalStripe, StripeControl, local_stripe

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture(scope="session")
def settings(settings: Settings, stripe_server: LocalStripe) -> Settings:
    stripe = msgspec.structs.replace(
        settings.stripe, secret_key=SECRET_KEY, publishable_key=PUBLISHABLE_KEY, url=stripe_server.url
    )
    return msgspec.structs.replace(apart(settings, "pay_demo", 9), stripe=stripe)


@pytest.fixture
async def control(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    opened = StripeControl(stripe_server.url)
    yield opened
    await opened.close()
