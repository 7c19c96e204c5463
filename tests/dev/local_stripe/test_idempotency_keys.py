"""Answers under an idempotency key, as the table in the design of payments wants them."""

import asyncio
from uuid import uuid4

import pytest
import stripe

from tests.support.eventually import until
from tests.support.stripe import LocalStripe, StripeControl


def _key() -> str:
    return f"k:{uuid4()}"


async def _customers(control: StripeControl) -> int:
    count: int = (await control.summary())["counts"].get("customer", 0)
    return count


async def test_key_used_again_with_equal_params_replays_the_answer(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    key, before = _key(), await _customers(control)
    first = await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    second = await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    assert second.id == first.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert await _customers(control) == before + 1


async def test_key_used_with_other_params_is_an_idempotency_error(api: stripe.StripeClient) -> None:
    key = _key()
    await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError):
        await api.v1.customers.create_async({"name": "B"}, {"idempotency_key": key})


async def test_key_of_256_characters_is_refused(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": "k" * 256})


async def test_key_of_invalid_params_can_be_used_again(api: stripe.StripeClient) -> None:
    key = _key()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.customers.create_async({"nickname": "A"}, {"idempotency_key": key})  # type: ignore[typeddict-unknown-key]
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "nickname")
    assert (await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})).name == "A"


async def test_key_of_a_decline_replays_the_decline(api: stripe.StripeClient) -> None:
    key = _key()
    charges: list[str] = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            await api.v1.payment_intents.create_async(
                {
                    "amount": 1000,
                    "currency": "eur",
                    "payment_method": "pm_card_visa_chargeDeclined",
                    "confirm": True,
                    "allowed_payment_method_types": ["card"],
                },
                {"idempotency_key": key},
            )
        charges.append(declined.value.json_body["error"]["charge"])
    assert charges[0] == charges[1]


async def test_key_in_flight_is_a_conflict(api: stripe.StripeClient, control: StripeControl) -> None:
    key = _key()
    await control.break_calls("delay_s", "POST", "/v1/customers", seconds=3)
    first = asyncio.create_task(api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key}))

    async def arrived() -> bool:
        return any(call["key"] == key for call in await control.calls())

    await until(arrived)
    with pytest.raises(stripe.APIError) as conflict:
        await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    assert conflict.value.http_status == 409
    assert conflict.value.json_body["error"]["code"] == "idempotency_key_in_use"
    again = await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": _key()})
    assert again.id != (await first).id


async def test_error_500_after_the_work_is_replayed(api: stripe.StripeClient, control: StripeControl) -> None:
    key, before = _key(), await _customers(control)
    await control.break_calls("error_500_after", "POST", "/v1/customers")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
        assert failed.value.http_status == 500
    assert await _customers(control) == before + 1


@pytest.mark.parametrize(
    ("fault", "status"), [("error_500_before", 500), ("conflict_409", 409), ("rate_limit_429", 429)]
)
async def test_fault_before_the_work_leaves_the_key_free(
    api: stripe.StripeClient, control: StripeControl, fault: str, status: int
) -> None:
    key, before = _key(), await _customers(control)
    await control.break_calls(fault, "POST", "/v1/customers")
    with pytest.raises(stripe.StripeError) as failed:
        await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    assert failed.value.http_status == status
    assert await _customers(control) == before
    await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    assert await _customers(control) == before + 1


async def test_lost_reply_is_healed_by_the_retry_of_the_sdk(server: LocalStripe, control: StripeControl) -> None:
    key, before = _key(), await _customers(control)
    await control.break_calls("drop_reply_after", "POST", "/v1/customers")
    async with server.client(retries=2) as api:
        made = await api.v1.customers.create_async({"name": "A"}, {"idempotency_key": key})
    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    assert await _customers(control) == before + 1
    seen = [(call["status"], call["fault"]) for call in await control.calls() if call["key"] == key]
    assert seen == [(None, "drop_reply_after"), (200, None)]


async def test_fault_of_the_second_call_leaves_the_first_and_third_alone(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    await control.break_calls("error_500_before", "POST", "/v1/customers", nth=2)
    await api.v1.customers.create_async({"name": "A"})
    with pytest.raises(stripe.APIError):
        await api.v1.customers.create_async({"name": "A"})
    await api.v1.customers.create_async({"name": "A"})
