"""Publish changes of barbers from the change stream, for writers that failed before they published."""

from collections.abc import Sequence

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import Barber
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.mongo.client import from_document
from grome.infrastructure.outbox.models import BARBERS, ChangeRecord


class BarberCacheInvalidation:
    """Publishes every change of a barber again, except removals, which caches notice when they expire."""

    def __init__(self, changes: BarberChangeFeed) -> None:
        self._changes = changes

    async def handle(self, changes: Sequence[ChangeRecord]) -> None:
        await for_each([change for change in changes if change.collection == BARBERS], self._tell, name="barber caches")

    async def _tell(self, change: ChangeRecord) -> None:
        await self._changes.publish(BarberChange(from_document(change.document, Barber)))
