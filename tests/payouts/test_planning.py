"""Payouts are decided from the ledger, once for each barber, currency and period."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client
from grome.infrastructure.mongo.transactions import Transactions
from grome.ledger.models import barber_payable
from grome.ledger.postings import Subject, write_off
from grome.payouts.decisions import PayoutDecider
from grome.payouts.jobs import plan_payouts
from grome.payouts.payout_jobs import PayoutJobs
from grome.payouts.planner import PayoutPlanner
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from tests.builders.barbers import Barber, barber
from tests.builders.ledger import post
from tests.builders.payouts import decide, dispute, earn, last_period, onboard, owed, plan
from tests.builders.people import create_admin
from tests.conftest import AdjustableClock
from tests.support.app import ChangedContainer
from tests.support.stripe import StripeControl
from workers.registry import CRON

WEEK = timedelta(days=7)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber) -> Barber:
    """A barber with an account that can be paid."""
    await onboard(http, container, control, shop)
    return shop


async def charge(container: Container, shop: Barber, amount: int) -> None:
    """Take money from the barber's balance at once."""
    entries = write_off(
        write_off_id=uuid4(),
        account=barber_payable(shop.person.id),
        amount=-amount,
        currency="EUR",
        reason="test",
        at=container.clock(),
        about=Subject(barber_id=shop.person.id),
    )
    await post(container, *entries)


def apart_planner(container: Container) -> PayoutPlanner:
    """Return a planner with transactions of its own, like that of another process."""
    transactions = Transactions(container.get(Client), 20_000)
    return PayoutPlanner(
        container.get(PayoutRepository),
        container.get(PayoutAccountRepository),
        container.get(PayoutDecider),
        transactions,
        container.get(PayoutJobs),
        container.settings.payouts,
        container.clock,
    )


async def test_payout_has_the_money_that_is_past_the_hold_window(container: Container, shop: Barber) -> None:
    await earn(container, shop, 5_000, at=last_period(container, -1))
    await earn(container, shop, 700, at=last_period(container))
    await earn(container, shop, 9_000, at=last_period(container, 1))
    [payout] = await plan(container, shop)
    assert (payout.amount, payout.sums.on_hold, await owed(container, shop)) == (5_700, 9_000, 9_000)


async def test_planning_by_many_at_once_makes_one_payout(container: Container, shop: Barber) -> None:
    await earn(container, shop, 5_000)
    planners = [apart_planner(container) for _ in range(20)]
    made = await asyncio.gather(*(planner.plan_barber(shop.person.id) for planner in planners))
    assert [payout.amount for payouts in made for payout in payouts] == [5_000]
    assert await container.database.payouts.count_documents({"barber_id": shop.person.id}) == 1
    assert await owed(container, shop) == 0


async def test_money_below_the_minimum_is_carried_to_the_next_payout(
    container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    await earn(container, shop, 999)
    assert await plan(container, shop) == []
    clock.shift = WEEK
    await earn(container, shop, 1)
    [payout] = await plan(container, shop)
    assert payout.amount == 1_000


async def test_remainder_below_the_step_of_the_currency_is_carried(
    container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    await earn(container, shop, 123_456, currency="HUF")
    [payout] = await plan(container, shop)
    assert (payout.amount, payout.sums.carried, await owed(container, shop, "HUF")) == (123_400, 56, 56)
    clock.shift = WEEK
    await earn(container, shop, 2_044, currency="HUF")
    [payout] = await plan(container, shop)
    assert (payout.amount, await owed(container, shop, "HUF")) == (2_100, 0)


async def test_each_currency_has_a_payout_of_its_own(container: Container, shop: Barber) -> None:
    await earn(container, shop, 5_000)
    await earn(container, shop, 7_000, currency="CHF")
    payouts = await plan(container, shop)
    assert {(payout.currency, payout.amount) for payout in payouts} == {("EUR", 5_000), ("CHF", 7_000)}


async def test_negative_balance_is_carried_and_leaves_other_barbers_alone(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber, clock: AdjustableClock
) -> None:
    other = await barber(http, container)
    await onboard(http, container, control, other)
    await charge(container, shop, 3_000)
    await earn(container, other, 2_000)
    assert await plan(container, shop) == []
    assert [payout.amount for payout in await plan(container, other)] == [2_000]
    clock.shift = WEEK
    await earn(container, shop, 5_000)
    assert [payout.amount for payout in await plan(container, shop)] == [2_000]


async def test_refund_reduces_the_payout_at_once(container: Container, shop: Barber) -> None:
    await earn(container, shop, 5_000)
    await charge(container, shop, 1_500)
    assert [payout.amount for payout in await plan(container, shop)] == [3_500]


async def test_booking_under_dispute_is_not_paid_out(container: Container, shop: Barber) -> None:
    booking_id = uuid4()
    await earn(container, shop, 5_000)
    await earn(container, shop, 2_000, booking_id=booking_id)
    await dispute(container, booking_id, 2_600, container.clock())
    [payout] = await plan(container, shop)
    assert (payout.amount, payout.sums.disputed, await owed(container, shop)) == (5_000, 2_000, 2_000)


async def test_dispute_of_money_that_was_paid_out_holds_no_other_money_back(
    container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    booking_id = uuid4()
    await earn(container, shop, 2_000, booking_id=booking_id)
    assert len(await plan(container, shop)) == 1
    clock.shift = WEEK
    await dispute(container, booking_id, 2_600, container.clock())
    await earn(container, shop, 5_000)
    [payout] = await plan(container, shop)
    assert (payout.amount, payout.sums.disputed) == (5_000, 0)


async def test_account_without_the_capability_is_paid_once_it_has_it(
    container: Container, control: StripeControl, shop: Barber
) -> None:
    await earn(container, shop, 5_000)
    await decide(container, control, shop, "restrict")
    assert await plan(container, shop) == []
    await decide(container, control, shop, "complete")
    assert [payout.amount for payout in await plan(container, shop)] == [5_000]


async def test_held_payouts_are_made_after_the_release(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    boss = await create_admin(http, container)
    path = f"/v1/admin/barbers/{shop.id}/payouts"
    await earn(container, shop, 5_000)
    held = await http.post(f"{path}/hold", json={"reason": "Identity in doubt"}, headers=boss.auth)
    assert held.json()["hold"]["reason"] == "Identity in doubt"
    assert not held.json()["onboarding"]["payouts_allowed"]
    assert await plan(container, shop) == []
    released = await http.post(f"{path}/release", json={"reason": "Cleared"}, headers=boss.auth)
    assert (released.status_code, released.json()["hold"]) == (200, None)
    assert (await http.post(f"{path}/release", json={"reason": "Again"}, headers=boss.auth)).status_code == 404
    assert [payout.amount for payout in await plan(container, shop)] == [5_000]
    stored = await container.database.payout_accounts.find_one({"_id": shop.person.id})
    assert stored
    assert [(entry["type"], entry["actor_id"], entry["note"]) for entry in stored["outbox"][-2:]] == [
        ("payout.held", boss.id, "Identity in doubt"),
        ("payout.hold_ended", boss.id, "Cleared"),
    ]


async def test_planning_of_all_barbers_passes_a_failing_barber(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    other = await barber(http, container)
    await onboard(http, container, control, other)
    for one in (shop, other):
        await earn(container, one, 5_000)
    accounts = container.database.payout_accounts
    await accounts.update_one({"_id": shop.person.id}, {"$unset": {"country": 1}}, bypass_document_validation=True)
    await plan_payouts({"container": ChangedContainer(container)})
    assert await container.database.payouts.count_documents({"barber_id": shop.person.id}) == 0
    assert await container.database.payouts.count_documents({"barber_id": other.person.id}) == 1
    await accounts.delete_one({"_id": shop.person.id})


def test_workers_plan_payouts() -> None:
    assert plan_payouts in [entry.function for entry in CRON]
