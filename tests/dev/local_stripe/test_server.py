"""The server as a process: its state survives, and its events are known."""

from pathlib import Path

import httpx
import pytest
import stripe
from stripe.events._event_classes import get_v2_event_notification_class
from stripe.v2.core._event import UnknownEventNotification

from grome.dev.local_stripe.events import EMITTED
from tests.support.eventually import PATIENCE_S
from tests.support.stripe import LocalStripe, StripeControl, local_stripe


async def test_state_survives_a_kill(tmp_path: Path) -> None:
    with local_stripe(tmp_path) as server:
        control = StripeControl(server.url)
        async with server.client() as api:
            made = await api.v1.payment_intents.create_async(
                {"amount": 2000, "currency": "eur", "metadata": {"payment_id": "p"}}, {"idempotency_key": "once"}
            )
        await control.advance(1_000_000)
        before = await control.summary()
        server.restart()
        async with server.client() as api:
            again = await api.v1.payment_intents.retrieve_async(made.id)
        assert again.metadata["payment_id"] == "p"
        after = await control.summary()
        assert after["counts"] == before["counts"]
        assert after["now"] >= before["now"]
        await control.close()


async def test_wrong_secret_key_is_refused(server: LocalStripe) -> None:
    async with server.client(key="sk_test_other") as api:
        with pytest.raises(stripe.AuthenticationError):
            await api.v1.balance.retrieve_async()


async def test_unknown_path_is_not_found(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.products.list_async()
    assert refused.value.http_status == 404


async def test_expand_of_an_unknown_field_is_refused(api: stripe.StripeClient, customer: str) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.customers.retrieve_async(customer, {"expand": ["horse"]})


def test_all_emitted_types_are_known_to_the_sdk() -> None:
    unknown = [kind for kind in EMITTED if get_v2_event_notification_class(kind) is UnknownEventNotification]
    assert not unknown


def test_server_ends_at_sigterm(tmp_path: Path) -> None:
    with local_stripe(tmp_path) as server:
        assert server.process
        httpx.get(server.url)  # before it can answer, its handler of signals may be missing
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0
