"""Barbers that were read of late, so that creating a booking costs no look-up."""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from grome.barbers.changes import BarberChange, BarberChanges
from grome.barbers.models import Barber

KEPT: Final = 2_000  # about 5 kB each
# How long a change can go unnoticed where the message about it was lost.
KEPT_S: Final = 10.0


class KnownBarbers:
    """Hours, offers and rules as they were a moment ago. What is taken is never decided from here."""

    def __init__(self, changes: BarberChanges) -> None:
        self._changes = changes
        self._kept: OrderedDict[UUID, tuple[BarberChange, float]] = OrderedDict()
        changes.add(self)

    def get(self, barber_id: UUID) -> Barber | None:
        """None where the barber is not kept, not kept any more, or was removed."""
        change, until = self._kept.get(barber_id, (None, 0.0))
        if change is None or change.removed or until < time.monotonic() or not self._changes.listening:
            return None
        return change.barber

    def keep(self, read: Barber | None) -> Barber | None:
        """Keeps what was read from the database and gives it back, or what was told meanwhile if that is newer."""
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
