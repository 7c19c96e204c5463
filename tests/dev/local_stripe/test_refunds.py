import pytest
import stripe

from tests.support.stripe import StripeControl


async def _paid(api: stripe.StripeClient, control: StripeControl, number: str = "4242424242424242") -> str:
    made = await api.v1.payment_intents.create_async(
        {"amount": 2000, "currency": "eur", "capture_method": "automatic", "allowed_payment_method_types": ["card"]}
    )
    await control.pay(made.id, number)
    return made.id


async def test_refunds_in_parts_cannot_exceed_the_charge(api: stripe.StripeClient, control: StripeControl) -> None:
    intent_id = await _paid(api, control)
    await api.v1.refunds.create_async({"payment_intent": intent_id, "amount": 1500})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.refunds.create_async({"payment_intent": intent_id, "amount": 501})
    assert refused.value.code == "amount_too_large"
    last = await api.v1.refunds.create_async({"payment_intent": intent_id, "expand": ["balance_transaction"]})
    assert isinstance(last.balance_transaction, stripe.BalanceTransaction)
    assert (last.amount, last.status, last.balance_transaction.net) == (500, "succeeded", -500)
    with pytest.raises(stripe.InvalidRequestError) as again:
        await api.v1.refunds.create_async({"payment_intent": intent_id})
    assert again.value.code == "charge_already_refunded"
    found = await api.v1.refunds.list_async({"payment_intent": intent_id})
    assert [refund.amount for refund in found.data] == [500, 1500]


async def test_refund_of_an_unpaid_intent_is_refused(api: stripe.StripeClient) -> None:
    made = await api.v1.payment_intents.create_async({"amount": 2000, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.refunds.create_async({"payment_intent": made.id})


async def test_pending_refund_succeeds_and_moves_the_balance_then(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    intent_id = await _paid(api, control, "4000000000007726")
    made = await api.v1.refunds.create_async({"payment_intent": intent_id})
    assert (made.status, made.balance_transaction) == ("pending", None)
    await control.advance(3600)
    later = await api.v1.refunds.retrieve_async(made.id)
    assert later.status == "succeeded"
    assert later.balance_transaction


async def test_failing_refund_brings_the_money_back(api: stripe.StripeClient, control: StripeControl) -> None:
    intent_id = await _paid(api, control, "4000000000005126")
    made = await api.v1.refunds.create_async({"payment_intent": intent_id})
    assert made.status == "succeeded"
    await control.advance(3600)
    failed = await api.v1.refunds.retrieve_async(made.id, {"expand": ["failure_balance_transaction"]})
    assert failed.status == "failed"
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.net == 2000
    charges = await api.v1.charges.list_async({"payment_intent": intent_id})
    assert charges.data[0].amount_refunded == 0


async def test_succeeded_refund_cannot_be_canceled(api: stripe.StripeClient, control: StripeControl) -> None:
    made = await api.v1.refunds.create_async({"payment_intent": await _paid(api, control)})
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.refunds.cancel_async(made.id)


async def test_refund_that_waits_for_the_customer_can_be_canceled(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    intent_id = await _paid(api, control, "4000000000007726")
    made = await api.v1.refunds.create_async({"payment_intent": intent_id})
    await control.call("POST", "refunds", {"id": made.id, "status": "requires_action"})
    canceled = await api.v1.refunds.cancel_async(made.id)
    assert (canceled.status, canceled.balance_transaction) == ("canceled", None)
    await control.advance(3600)
    assert (await api.v1.refunds.retrieve_async(made.id)).status == "canceled"
    assert (await api.v1.charges.list_async({"payment_intent": intent_id})).data[0].amount_refunded == 0


async def test_balance_is_the_sum_of_its_transactions(api: stripe.StripeClient, control: StripeControl) -> None:
    for number in ("4242424242424242", "4000000000005126", "4000000000000259"):
        await api.v1.refunds.create_async({"payment_intent": await _paid(api, control, number), "amount": 700})
    await control.advance(3600)
    lines = [line async for line in (await api.v1.balance_transactions.list_async({"limit": 100})).auto_paging_iter()]
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.net
    balance = await api.v1.balance.retrieve_async()
    totals: dict[str, int] = {}
    for part in (*balance.available, *balance.pending):
        totals[part.currency] = totals.get(part.currency, 0) + part.amount
    assert totals == sums
