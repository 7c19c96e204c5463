"""Find the barbers that a waitlist entry waits for."""

from typing import Final, NamedTuple

from grome.barbers.models import Barber, BarberMapEntry
from grome.barbers.service import BarberService
from grome.common.errors import NotFound
from grome.common.geo import distance_m, unit_vector
from grome.infrastructure.mongo.client import from_bson
from grome.waitlist.models import Area, WaitlistEntry

# Barbers of an area with all services that are checked, out of at most `_MAX_PINS` barbers in the area.
MAX_BARBERS: Final = 50
_PIN_BATCH: Final = 250
_MAX_PINS: Final = 2_000


class BarberSelection(NamedTuple):
    """Barbers, the nearest first. `is_complete`: there are no others within reach."""

    barbers: list[Barber]
    is_complete: bool


class ReachableBarbers:
    def __init__(self, barbers: BarberService) -> None:
        self._barbers = barbers

    async def list_for(self, entry: WaitlistEntry) -> BarberSelection:
        """Return the entry's barber if it is approved, or the nearest barbers of the area that offer all services."""
        if entry.area:
            return await self._list_in_area(entry.area, frozenset(entry.service_ids))
        try:
            return BarberSelection(
                [await self._barbers.get_approved(entry.barber_id)] if entry.barber_id else [], is_complete=True
            )
        except NotFound:
            return BarberSelection([], is_complete=True)

    async def _list_in_area(self, area: Area, services: frozenset[object]) -> BarberSelection:
        pins: list[BarberMapEntry] = []
        seen, is_complete = 0, True
        async for batch in self._barbers.iter_nearest(area.location, 0, area.radius_km * 1000, _PIN_BATCH):
            seen += len(batch)
            found = (from_bson(raw, BarberMapEntry) for raw in batch)
            pins += [pin for pin in found if services <= {offer.service_id for offer in pin.services}]
            if len(pins) >= MAX_BARBERS or seen >= _MAX_PINS:
                is_complete = False
                break
        lng, lat = area.location.coordinates
        here = unit_vector(lat, lng)

        def by_distance(barber: Barber) -> tuple[float, object]:
            there_lng, there_lat = barber.location.coordinates
            return round(distance_m(here, unit_vector(there_lat, there_lng)), 1), barber.id

        barbers = await self._barbers.list_by_ids([pin.id for pin in pins[:MAX_BARBERS]])
        return BarberSelection(sorted((one for one in barbers if one.is_approved), key=by_distance), is_complete)
