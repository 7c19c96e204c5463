"""Transfers, reversals and payouts of the local Stripe, and the balances that they move."""

import pytest
import stripe

from tests.dev.local_stripe.connected import create_account, create_active_account, top_up
from tests.support.stripe import StripeControl

DAY_S = 86_400


async def balance(client: stripe.StripeClient, account_id: str | None = None, currency: str = "eur") -> int:
    found = await client.v1.balance.retrieve_async({}, {"stripe_account": account_id} if account_id else {})
    parts = (*found.to_dict()["available"], *found.to_dict()["pending"])
    return sum(part["amount"] for part in parts if part["currency"] == currency)


async def fund(client: stripe.StripeClient, control: StripeControl, amount: int) -> None:
    """Give the platform the amount, after its debts from disputes of other tests."""
    await top_up(control, amount + max(0, -await balance(client)))


async def transfer(client: stripe.StripeClient, account_id: str, amount: int, group: str = "g") -> stripe.Transfer:
    return await client.v1.transfers.create_async(
        {
            "amount": amount,
            "currency": "eur",
            "destination": account_id,
            "transfer_group": group,
            "metadata": {"payout_id": "p"},
            "expand": ["balance_transaction"],
        }
    )


async def test_transfer_moves_money_from_the_platform_to_the_account(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    account_id = await create_active_account(api, control)
    await fund(api, control, 10_000)
    before = await balance(api)
    made = await transfer(api, account_id, 4_000)
    line = made.balance_transaction
    assert isinstance(line, stripe.BalanceTransaction)
    assert (line.type, line.amount, line.net, line.source) == ("transfer", -4_000, -4_000, made.id)
    assert (await balance(api), await balance(api, account_id)) == (before - 4_000, 4_000)
    assert (await api.v1.transfers.retrieve_async(made.id)).to_dict()["metadata"] == {"payout_id": "p"}
    listed = await api.v1.transfers.list_async({"destination": account_id})
    assert [found.id for found in listed.data] == [made.id]


async def test_transfer_above_the_balance_is_refused(api: stripe.StripeClient, control: StripeControl) -> None:
    account_id = await create_active_account(api, control)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await transfer(api, account_id, 99_999_999)
    assert refused.value.code == "balance_insufficient"


async def test_transfer_to_an_account_without_the_capability_is_refused(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    await fund(api, control, 1_000)
    before = await balance(api)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await transfer(api, await create_account(api), 500)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await transfer(api, "acct_unknown", 500)
    assert unknown.value.code == "resource_missing"
    assert await balance(api) == before


async def test_reversals_bring_money_back_up_to_the_amount_of_the_transfer(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    account_id = await create_active_account(api, control)
    await fund(api, control, 5_000)
    made = await transfer(api, account_id, 3_000)
    before = await balance(api)
    part = await api.v1.transfers.reversals.create_async(made.id, {"amount": 1_000})
    await api.v1.transfers.reversals.create_async(made.id)
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.transfers.reversals.create_async(made.id, {"amount": 1})
    assert (await balance(api), await balance(api, account_id)) == (before + 3_000, 0)
    found = await api.v1.transfers.retrieve_async(made.id, {"expand": ["reversals.data.balance_transaction"]})
    assert (found.amount_reversed, found.reversed) == (3_000, True)
    lines = [reversal.balance_transaction for reversal in found.reversals.data]
    kinds = [(line.type, line.amount) for line in lines if isinstance(line, stripe.BalanceTransaction)]
    assert kinds == [("transfer_refund", 2_000), ("transfer_refund", 1_000)]
    assert part.id in [reversal.id for reversal in (await api.v1.transfers.reversals.list_async(made.id)).data]


async def test_money_of_an_account_reaches_its_bank_after_two_days(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    account_id = await create_active_account(api, control)
    await fund(api, control, 2_000)
    made = await transfer(api, account_id, 2_000)
    await control.advance(2 * DAY_S + 5)
    [payout] = (await api.v1.payouts.list_async({}, {"stripe_account": account_id})).data
    assert (payout.status, payout.amount, await balance(api, account_id)) == ("paid", 2_000, 0)
    events = (await api.v2.core.events.list_async({"object_id": payout.id})).data
    assert {event.context for event in events} == {account_id}
    assert {event.type for event in events} >= {"v1.payout.created", "v1.payout.paid"}
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payouts.retrieve_async(payout.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.transfers.reversals.create_async(made.id)
    assert refused.value.code == "balance_insufficient"


async def test_payout_to_a_closed_bank_account_fails_and_waits_for_another(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    account_id = await create_active_account(api, control, bank="000111111116")
    await fund(api, control, 700)
    await transfer(api, account_id, 700)
    await control.advance(5 * DAY_S)
    [failed] = (await api.v1.payouts.list_async({}, {"stripe_account": account_id})).data
    assert (failed.status, failed.failure_code, await balance(api, account_id)) == ("failed", "account_closed", 700)
    await control.call("POST", f"accounts/{account_id}", {"outcome": "complete", "bank": "000123456789"})
    await control.advance(3 * DAY_S)
    payouts = (await api.v1.payouts.list_async({}, {"stripe_account": account_id})).data
    assert [payout.status for payout in payouts] == ["paid", "failed"]
