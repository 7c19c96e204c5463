"""Movements of the balance at Stripe and in the ledger."""

from datetime import UTC, datetime, timedelta

from grome.infrastructure.stripe.models import BalanceLine
from grome.ledger.models import STRIPE
from grome.ledger.postings import bank_payout
from grome.payments.models import RefundState
from tests.reconciliation.world import World


def line_of(sent: dict[str, object], net: int | None = None) -> BalanceLine:
    """Return the movement as the gateway reads it, or with another net amount."""
    amount, fee = int(str(sent["amount"])), int(str(sent["fee"]))
    return BalanceLine(
        id=str(sent["id"]),
        type="payout",
        amount=amount if net is None else net + fee,
        fee=fee,
        net=amount - fee if net is None else net,
        currency=str(sent["currency"]).upper(),
        source=None,
        created=datetime.fromtimestamp(int(str(sent["created"])), UTC),
    )


async def test_booked_movement_is_no_finding(world: World) -> None:
    payment = await world.pay_deposit()
    await world.compare()
    assert payment.charge_id
    charge = await world.dashboard.v1.charges.retrieve_async(payment.charge_id)
    assert await world.findings(str(charge.balance_transaction)) == []


async def test_unprocessed_payment_is_booked_by_a_comparison(world: World) -> None:
    payment = await world.pay_deposit(looked_at=False)
    await world.compare()
    healed = await world.read_payment(payment)
    assert healed.received == payment.amount
    charge = await world.dashboard.v1.charges.retrieve_async(healed.charge_id or "")
    assert await world.findings(str(charge.balance_transaction)) == []


async def test_refund_made_at_stripe_is_taken_over(world: World) -> None:
    payment = await world.pay_deposit()
    refund = await world.dashboard.v1.refunds.create_async({"payment_intent": payment.intent_id or "", "amount": 300})
    await world.compare()
    [taken] = (await world.read_payment(payment)).refunds
    assert (taken.amount, taken.state, taken.stripe_id) == (300, RefundState.SUCCEEDED, refund.id)
    assert await world.findings(str(refund.balance_transaction)) == []


async def test_recent_movement_is_no_finding_yet(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare(later=timedelta())
    assert await world.findings(line["id"]) == []


async def test_charge_of_another_program_is_a_finding_with_its_amount(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    [finding] = await world.findings(line["id"])
    assert (finding["kind"], finding["amount"], finding["currency"]) == ("unbooked_movement", line["net"], "EUR")
    assert finding["objects"] == [line["source"]]


async def test_finding_is_the_same_after_another_comparison(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    [first] = await world.findings(line["id"])
    await world.compare()
    [second] = await world.findings(line["id"])
    assert (second["id"], second["first_seen"]) == (first["id"], first["first_seen"])


async def test_finding_is_resolved_when_the_movement_is_booked(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.compare()
    await world.post(*bank_payout(line=line_of(line)))
    await world.compare()
    assert await world.findings(line["id"]) == []
    [resolved] = await world.findings(line["id"], status="resolved")
    assert resolved["resolved_by"] is None


async def test_movement_booked_with_another_amount_is_a_finding(world: World) -> None:
    line = await world.charge_elsewhere()
    await world.post(*bank_payout(line=line_of(line, net=line["net"] - 7)))
    await world.compare()
    [finding] = await world.findings(line["id"])
    assert (finding["kind"], finding["amount"]) == ("different_movement", 7)


async def test_booked_movement_unknown_to_stripe_is_a_finding(world: World) -> None:
    ref = f"txn_unknown{int(world.clock().timestamp() * 1000)}"
    sent = {"id": ref, "amount": 500, "fee": 20, "currency": "eur", "created": int(world.clock().timestamp())}
    await world.post(*bank_payout(line=line_of(sent)))
    await world.compare()
    [finding] = await world.findings(ref)
    assert (finding["kind"], finding["amount"], finding["objects"]) == ("unknown_movement", 480, [f"{ref}:bank"])
    await world.compare()
    assert len(await world.findings(ref)) == 1


async def test_difference_of_the_balances_is_a_finding_until_it_is_gone(world: World) -> None:
    line = await world.charge_elsewhere("chf")
    await world.compare()
    assert [found for found in await world.findings(STRIPE) if found["currency"] == "CHF"] == []
    await world.compare()
    [finding] = [found for found in await world.findings(STRIPE) if found["currency"] == "CHF"]
    assert (finding["kind"], finding["amount"]) == ("balance_differs", line["net"])
    await world.post(*bank_payout(line=line_of(line)))
    await world.compare()
    assert [found for found in await world.findings(STRIPE) if found["currency"] == "CHF"] == []
