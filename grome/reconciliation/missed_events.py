"""Find the events of Stripe for which no notification arrived."""

from datetime import timedelta
from typing import Final

from loguru import logger
from msgspec import structs

from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Tally, for_each
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.models import StripeNotification
from grome.payments.inbox.service import StripeInbox
from grome.reconciliation.repository import ProgressRepository

LOOP: Final = "events"
# Events can be listed later than they were created, and the clocks of both sides differ.
_OVERLAP: Final = timedelta(hours=1)
# Stripe keeps events for 30 days.
_OLDEST: Final = timedelta(days=29)
_BATCH: Final = 100


class MissedEvents:
    """Adds listed events to the inbox of the webhook, which stores each event once."""

    def __init__(self, history: StripeHistory, inbox: StripeInbox, progress: ProgressRepository, clock: Clock) -> None:
        self._history, self._inbox, self._progress, self._clock = history, inbox, progress, clock

    async def run(self) -> int:
        """Return the number of missed events. Raises StripeUnsureError."""
        started, progress = self._clock(), await self._progress.get(LOOP)
        since = max(min(progress.until or started, started) - _OVERLAP, started - _OLDEST)
        missed, tally, batch = 0, Tally(), list[StripeNotification]()

        async def add(event: StripeNotification) -> None:
            nonlocal missed
            missed += await self._inbox.add(event)

        async for event in self._history.list_events(since):
            batch.append(event)
            if len(batch) == _BATCH:
                tally += await for_each(batch, add, name="missed_events")
                batch.clear()
        tally += await for_each(batch, add, name="missed_events")
        await self._progress.save(structs.replace(progress, until=started))
        if missed:
            logger.warning("{} events of Stripe had not arrived; {} could not be stored", missed, tally.failed)
        return missed
