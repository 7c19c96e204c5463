"""Keep the changes of the last seconds, to apply them to cells that were read before them."""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.barbers.change_feed import BarberChange
from grome.barbers.models import map_entry
from grome.nearby.barber_array import IndexedBarber, index_barber
from grome.nearby.cell_loader import COPY_TTL_S
from grome.nearby.h3_cells import cell_of

# A change is applied to loads for so long: longer than the life of a copy in Redis and a load together.
_CHANGE_TTL_S: Final = COPY_TTL_S + 6.0
_MAX_CHANGES: Final = 10_000  # about 2 kB each


class CellChange(Struct, frozen=True):
    """Places a published change in its cell; `barber` is None if it was removed or is not approved."""

    id: UUID
    revision: int
    cell: int
    barber: IndexedBarber | None


def to_cell_change(change: BarberChange) -> CellChange:
    longitude, latitude = change.barber.location.coordinates
    barber = index_barber(map_entry(change.barber))
    is_shown = change.barber.is_approved and not change.removed
    return CellChange(barber.id, barber.revision, cell_of(latitude, longitude), barber if is_shown else None)


class RecentChanges:
    """Holds the newest change of each barber that changed in the last seconds."""

    def __init__(self) -> None:
        self._changes: OrderedDict[UUID, tuple[float, CellChange]] = OrderedDict()

    def add(self, change: CellChange) -> bool:
        """Return False if a newer change of the barber is known."""
        _, before = self._changes.get(change.id, (0.0, change))
        if before.revision > change.revision:
            return False
        now = time.monotonic()
        self._changes[change.id] = now, change
        self._changes.move_to_end(change.id)
        while len(self._changes) > _MAX_CHANGES or next(iter(self._changes.values()))[0] < now - _CHANGE_TTL_S:
            self._changes.popitem(last=False)
        return True

    def apply_to(self, cell: int, barbers: dict[UUID, IndexedBarber]) -> None:
        """Apply the changes to the barbers that were loaded for a cell."""
        for _, change in self._changes.values():
            loaded = barbers.get(change.id)
            if loaded and loaded.revision >= change.revision:
                continue
            if change.barber and change.cell == cell:
                barbers[change.id] = change.barber
            elif loaded:
                del barbers[change.id]
