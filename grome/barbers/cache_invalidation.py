"""What processes keep in memory is put right also where whoever changed it could not tell them."""

from collections.abc import Sequence

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import Barber
from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.mongo.client import from_document
from grome.infrastructure.outbox.models import BARBERS, ChangeRecord


class BarberCacheInvalidation:
    """Tells every change of a barber once more. A removal leaves nothing to tell; it is noticed a little later."""

    def __init__(self, changes: BarberChangeFeed) -> None:
        self._changes = changes

    async def handle(self, changes: Sequence[ChangeRecord]) -> None:
        await for_each([change for change in changes if change.collection == BARBERS], self._tell, name="barber caches")

    async def _tell(self, change: ChangeRecord) -> None:
        await self._changes.publish(BarberChange(from_document(change.document, Barber)))
