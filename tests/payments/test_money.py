"""Random bookings and payments among faults: the books equal Stripe's in the end."""

import pytest
from tests.support.stripe import StripeControl

from config.settings import Settings
from tests.payments.audit_books import find_errors
from tests.payments.dying import MortalContainer
from tests.payments.money_world import HandClock, MoneyWorld

STEPS = 120


@pytest.mark.parametrize("seed", range(4))
async def test_books_after_random_faults_equal_stripe(
    seed: int,
    paid_settings: Settings,
    stripe: StripeControl,
    database: None,  # noqa: ARG001
) -> None:
    clock = HandClock()
    grome = MortalContainer(paid_settings, clock)
    try:
        world = MoneyWorld(grome, stripe, clock, seed)
        await world.open()
        await world.book()
        for _ in range(STEPS):
            await world.step()
        await world.settle_all()
        assert await find_errors(world) == [], world.happened
    finally:
        await grome.close()
