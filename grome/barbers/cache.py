"""Cache recently read barbers, so that creating a booking needs no query for the barber."""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import Barber

MAX_CACHED_BARBERS: Final = 2_000  # about 5 kB each
# A change whose message was lost can go unnoticed for so long.
TTL_S: Final = 10.0


class BarberCache:
    """Caches hours, offers and rules for a short time. Occupied time is never decided from this cache."""

    def __init__(self, changes: BarberChangeFeed) -> None:
        self._changes = changes
        self._cached: OrderedDict[UUID, tuple[BarberChange, float]] = OrderedDict()
        changes.subscribe(self)

    def find(self, barber_id: UUID) -> Barber | None:
        """Return the cached barber; None if the barber is not cached, has expired or was removed."""
        change, until = self._cached.get(barber_id, (None, 0.0))
        if change is None or change.removed or until < time.monotonic() or not self._changes.listening:
            return None
        return change.barber

    def store(self, read: Barber | None) -> Barber | None:
        """Cache a barber read from the database and return it, or return a newer state received meanwhile."""
        if read is None:
            return None
        self.on_change(BarberChange(read))
        kept = self._cached[read.id][0]
        return None if kept.removed else kept.barber

    def on_change(self, change: BarberChange) -> None:
        # A barber that is not cached is stored too: a query under way may return an older state.
        kept, _ = self._cached.get(change.barber.id, (change, 0.0))
        if kept.revision <= change.revision:
            self._cached[change.barber.id] = change, time.monotonic() + TTL_S
            self._cached.move_to_end(change.barber.id)
            if len(self._cached) > MAX_CACHED_BARBERS:
                self._cached.popitem(last=False)

    def on_gap(self) -> None:
        self._cached.clear()
