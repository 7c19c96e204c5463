"""Open a random world with a database and a local Stripe of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from config.settings import Settings
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from tests.payments.dying import MortalContainer
from tests.payments.money_world import HandClock, MoneyWorld
from tests.support.app import with_database
from tests.support.stripe import StripeControl, local_stripe


@asynccontextmanager
async def open_world(settings: Settings, home: Path, seed: int) -> AsyncIterator[MoneyWorld]:
    """Open a world with a database and a local Stripe of its own."""
    with local_stripe(home) as server:
        paid = msgspec.structs.replace(settings.stripe, url=server.url)
        payouts = msgspec.structs.replace(settings.payouts, hold_h=0, schedule="daily", minimum=100)
        own = with_database(msgspec.structs.replace(settings, stripe=paid, payouts=payouts), f"money{seed}")
        clock, control = HandClock(), StripeControl(server.url)
        grome = MortalContainer(own, clock)
        try:
            async for _ in migrate(grome.database, MIGRATIONS, clock):
                pass
            yield MoneyWorld(grome, control, clock, seed)
        finally:
            await grome.get(Client).drop_database(own.mongo.database)
            await control.close()
            await grome.close()
