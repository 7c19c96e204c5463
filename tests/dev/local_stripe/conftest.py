from collections.abc import AsyncIterator

import pytest
import stripe

from tests.support.stripe import LocalStripe, control, stripe_server

__all__ = ["control", "stripe_server"]


@pytest.fixture(scope="session")
def server(stripe_server: LocalStripe) -> LocalStripe:
    return stripe_server


@pytest.fixture
async def api(server: LocalStripe) -> AsyncIterator[stripe.StripeClient]:
    """The SDK's client without retries."""
    async with server.client() as client:
        yield client


@pytest.fixture
async def customer(api: stripe.StripeClient) -> str:
    return (await api.v1.customers.create_async({"name": "Ada"})).id
