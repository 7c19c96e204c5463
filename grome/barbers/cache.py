"""Barbers that were read of late, so that creating a booking costs no look-up."""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from grome.barbers.change_feed import BarberChange, BarberChanges
from grome.barbers.models import Barber

KEPT: Final = 2_000  # about 5 kB each
# How long a change can go unnoticed where the message about it was lost.
KEPT_S: Final = 10.0


class KnownBarbers:
    """Caches hours, offers and rules for a short time. Occupied time is never decided from this cache."""

    def __init__(self, changes: BarberChanges) -> None:
        self._changes = changes
        self._kept: OrderedDict[UUID, tuple[BarberChange, float]] = OrderedDict()
        changes.add(self)

    def get(self, barber_id: UUID) -> Barber | None:
        """Return the cached barber; None if the barber is not cached, has expired or was removed."""
        change, until = self._kept.get(barber_id, (None, 0.0))
        if change is None or change.removed or until < time.monotonic() or not self._changes.listening:
            return None
        return change.barber

    def keep(self, read: Barber | None) -> Barber | None:
        """Cache a barber read from the database and return it, or return a newer state received meanwhile."""
        if read is None:
            return None
        self.changed(BarberChange(read))
        kept = self._kept[read.id][0]
        return None if kept.removed else kept.barber

    def changed(self, change: BarberChange) -> None:
        # Those that nobody asked for are kept too: one may be on its way from the database in an older state.
        kept, _ = self._kept.get(change.barber.id, (change, 0.0))
        if kept.moment <= change.moment:
            self._kept[change.barber.id] = change, time.monotonic() + KEPT_S
            self._kept.move_to_end(change.barber.id)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def missed(self) -> None:
        self._kept.clear()
