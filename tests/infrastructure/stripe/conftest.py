"""One local Stripe, or Stripe's test mode where STRIPE_TEST_SECRET_KEY names a key of it."""

import os
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from config.sections.money import StripeSettings
from grome.infrastructure.stripe.client import StripeApi
from tests.support.stripe import SECRET_KEY, LocalStripe, StripeControl, local_stripe

TEST_KEY = os.environ.get("STRIPE_TEST_SECRET_KEY", "")


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
async def control(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    opened = StripeControl(stripe_server.url)
    yield opened
    await opened.end_faults()
    await opened.close()


@pytest.fixture
def stripe_settings(stripe_server: LocalStripe) -> StripeSettings:
    return StripeSettings(secret_key=SECRET_KEY, url=stripe_server.url, timeout_s=20)


@pytest.fixture
async def api(stripe_settings: StripeSettings) -> AsyncIterator[StripeApi]:
    """The SDK's client of the local server, for tests that need its faults."""
    opened = StripeApi(stripe_settings)
    yield opened
    await opened.close()


@pytest.fixture
async def any_api(stripe_settings: StripeSettings) -> AsyncIterator[StripeApi]:
    """The SDK's client of Stripe's test mode if a key is given, or else of the local server."""
    real = msgspec.structs.replace(stripe_settings, secret_key=TEST_KEY, url="")
    opened = StripeApi(real if TEST_KEY else stripe_settings)
    yield opened
    await opened.close()
