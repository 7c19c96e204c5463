from collections.abc import AsyncIterator, Iterator

import pytest
import stripe

from tests.support.stripe import LocalStripe, StripeControl, local_stripe


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture
async def control(server: LocalStripe) -> AsyncIterator[StripeControl]:
    client = StripeControl(server.url)
    await client.end_faults()
    yield client
    await client.end_faults()
    await client.close()


@pytest.fixture
async def api(server: LocalStripe) -> AsyncIterator[stripe.StripeClient]:
    """The SDK's client without retries."""
    async with server.client() as client:
        yield client


@pytest.fixture
async def customer(api: stripe.StripeClient) -> str:
    return (await api.v1.customers.create_async({"name": "Ada"})).id
