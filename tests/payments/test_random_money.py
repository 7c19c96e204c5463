"""Random bookings and payments among faults: the books equal Stripe's in the end."""

import os
import secrets
from pathlib import Path

import pytest

from config.settings import Settings
from tests.payments.audit_books import find_errors
from tests.payments.open_world import open_world

STEPS = 100
# `make hunt` sets the number of seeds, and then begins at a random seed.
_HUNTED = int(os.environ.get("MONEY_SEEDS", "0"))
_FIRST = secrets.randbelow(2**31) if _HUNTED else 0
SEEDS = range(_FIRST, _FIRST + (_HUNTED or 1))


@pytest.mark.parametrize("seed", SEEDS)
async def test_books_after_random_faults_equal_stripe(seed: int, settings: Settings, tmp_path: Path) -> None:
    async with open_world(settings, tmp_path, seed) as world:
        await world.open()
        for barber in world.barbers:
            await world.onboard(barber)
        await world.book()
        for _ in range(STEPS):
            await world.step()
        await world.settle_all()
        assert "\n".join(await find_errors(world)) == "", world.happened
