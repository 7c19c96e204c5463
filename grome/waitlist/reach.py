"""Which barbers an entry of the waitlist waits for."""

from typing import Final, NamedTuple

from grome.barbers.models import Barber, BarberMapEntry
from grome.barbers.service import BarberService
from grome.common.errors import NotFound
from grome.common.geo import distance_m, unit_vector
from grome.infrastructure.mongo.client import from_bson
from grome.waitlist.models import Area, Entry

# The barbers of an area with all services that are looked at, out of at most `_MOST_PINS` in the area.
MOST_BARBERS: Final = 50
_PINS_AT_ONCE: Final = 250
_MOST_PINS: Final = 2_000


class Reached(NamedTuple):
    """Barbers, the nearest first. `is_complete`: there are no others."""

    barbers: list[Barber]
    is_complete: bool


class WaitlistReach:
    def __init__(self, barbers: BarberService) -> None:
        self._barbers = barbers

    async def barbers_for(self, entry: Entry) -> Reached:
        """Return the entry's barber if it still exists, or the nearest barbers of the area that offer all services."""
        if entry.area:
            return await self._within(entry.area, frozenset(entry.service_ids))
        try:
            return Reached([await self._barbers.get(entry.barber_id)] if entry.barber_id else [], is_complete=True)
        except NotFound:
            return Reached([], is_complete=True)

    async def _within(self, area: Area, services: frozenset[object]) -> Reached:
        pins: list[BarberMapEntry] = []
        seen, is_complete = 0, True
        async for batch in self._barbers.iter_nearest(area.location, 0, area.radius_km * 1000, _PINS_AT_ONCE):
            seen += len(batch)
            found = (from_bson(raw, BarberMapEntry) for raw in batch)
            pins += [pin for pin in found if services <= {offer.service_id for offer in pin.services}]
            if len(pins) >= MOST_BARBERS or seen >= _MOST_PINS:
                is_complete = False
                break
        lng, lat = area.location.coordinates
        here = unit_vector(lat, lng)

        def by_distance(barber: Barber) -> tuple[float, object]:
            there_lng, there_lat = barber.location.coordinates
            return round(distance_m(here, unit_vector(there_lat, there_lng)), 1), barber.id

        barbers = await self._barbers.list_by_ids([pin.id for pin in pins[:MOST_BARBERS]])
        return Reached(sorted(barbers, key=by_distance), is_complete)
