"""Accounts of the ledger that have to return to 0, and operations without an answer."""

from datetime import timedelta
from uuid import uuid4

from grome.common.ids import new_id
from grome.ledger.models import payout_transit
from grome.ledger.postings import payout_created, payout_reversed
from grome.payments.models import Payment
from grome.payments.sync import PaymentSync
from tests.builders.bookings import changed
from tests.reconciliation.world import World

DAYS = timedelta(days=1)


async def end_booking(world: World, payment: Payment) -> None:
    """End the booking without the settlement that would follow."""
    await changed(world.container, {"id": str(payment.booking_id)}, status="cancelled", active=False, reason="customer")


async def test_money_held_after_the_end_of_a_booking_is_a_finding(world: World) -> None:
    payment = await world.pay_deposit()
    account = f"held:{payment.booking_id}"
    await end_booking(world, payment)
    await world.compare()
    assert await world.findings(account) == []
    await world.compare(later=3 * DAYS)
    [finding] = await world.findings(account)
    assert (finding["kind"], finding["amount"]) == ("held_after_visit", -payment.received)
    await world.container.get(PaymentSync).look(payment.id)
    await world.compare()
    assert await world.findings(account) == []


async def test_money_held_for_a_coming_visit_is_no_finding(world: World) -> None:
    payment = await world.pay_deposit()
    await world.compare(later=3 * DAYS)
    assert await world.findings(f"held:{payment.booking_id}") == []


async def test_payout_in_transit_for_too_long_is_a_finding_until_it_has_left(world: World) -> None:
    payout_id, barber_id = uuid4(), new_id()
    about = {"payout_id": payout_id, "barber_id": barber_id, "amount": 900, "currency": "EUR", "at": world.clock()}
    account = payout_transit(payout_id)
    await world.post(*payout_created(**about))
    await world.compare()
    assert await world.findings(account) == []
    await world.compare(later=2 * DAYS)
    [finding] = await world.findings(account)
    assert (finding["kind"], finding["amount"], finding["objects"]) == ("payout_in_transit", -900, [str(payout_id)])
    await world.post(*payout_reversed(**about))
    await world.compare()
    assert await world.findings(account) == []


async def test_operation_without_an_answer_for_an_hour_is_a_finding_until_it_is_answered(world: World) -> None:
    payment = await world.pay_deposit()
    attempt = {"n": 2, "op": "cancel", "at": world.clock(), "amount": 0, "refund_id": None, "is_manual": False}
    payments = world.container.database["payments"]
    await payments.update_one({"_id": payment.id}, {"$set": {"attempt": attempt, "attempts": 2}})
    await world.compare(later=timedelta(minutes=50))
    assert await world.findings(str(payment.id)) == []
    await world.compare()
    [finding] = await world.findings(str(payment.id))
    assert (finding["kind"], finding["amount"]) == ("stuck_attempt", payment.amount)
    await payments.update_one({"_id": payment.id}, {"$set": {"attempt": None}})
    await world.compare()
    assert await world.findings(str(payment.id)) == []
