"""Events for which no notification arrived."""

from datetime import timedelta

from grome.payments.inbox.models import STRIPE_EVENT
from grome.payments.models import PaymentState
from grome.reconciliation.service import Reconciliation
from tests.reconciliation.world import World
from tests.support.eventually import until
from tests.support.jobs import run_worker
from workers.registry import HANDLERS


async def test_missed_event_is_processed_after_the_next_listing(world: World) -> None:
    payment = await world.pay_deposit(looked_at=False)
    assert payment.state is PaymentState.NEEDS_METHOD

    async def is_paid() -> bool:
        return (await world.read_payment(payment)).state is PaymentState.PAID

    async with run_worker(world.container, {STRIPE_EVENT: HANDLERS[STRIPE_EVENT]}):
        assert await world.container.get(Reconciliation).fetch_events() > 0
        await until(is_paid)


async def test_missed_events_are_added_once(world: World) -> None:
    await world.pay_deposit(looked_at=False)
    reconciliation = world.container.get(Reconciliation)
    assert await reconciliation.fetch_events() > 0
    assert await reconciliation.fetch_events() == 0


async def test_missed_events_from_before_the_last_run_are_found_again(world: World) -> None:
    await world.pay_deposit(looked_at=False)
    reconciliation = world.container.get(Reconciliation)
    world.clock.shift += timedelta(minutes=30)
    await world.container.database["reconciliation_progress"].update_one(
        {"_id": "events"}, {"$set": {"until": world.clock(), "seq": 0, "differences": {}}}, upsert=True
    )
    assert await reconciliation.fetch_events() > 0
