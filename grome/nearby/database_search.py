"""Search in MongoDB for places that are not worth being cached, with the same results as in memory.

The 2dsphere index returns barbers nearest first, so a page by distance reads as far as its last match, while the cells
around the point would be read completely.
"""

import asyncio
from contextlib import aclosing
from operator import attrgetter
from typing import Final

from grome.barbers.service import BarberService
from grome.common.geo import GeoPoint, chord2_of, distance_m, metres_of, unit_vector
from grome.nearby.barber_array import BarberArray, decode_barber
from grome.nearby.memory_search import Match, search_array
from grome.nearby.models import Search

# Further queries would only slow each other down until MongoDB seemed to be away.
_MAX_CONCURRENT_QUERIES: Final = 8
# Read with the first batch beyond the page, in place of barbers that do not pass the filters.
_EXTRA_BARBERS: Final = 10
# Two barbers whose distances differ by less can come in either order.
_ROUNDING_M: Final = 0.01
_position_of = attrgetter("position")


class DatabaseSearch:
    def __init__(self, barbers: BarberService) -> None:
        self._barbers = barbers
        self._query_slots = asyncio.Semaphore(_MAX_CONCURRENT_QUERIES)

    async def search(self, search: Search, limit: int) -> list[Match]:
        """Return the first `limit` matches of a search by distance. Raises the driver's errors if MongoDB is away."""
        point = unit_vector(search.latitude, search.longitude)
        from_m = max(0.0, metres_of(search.after.chord2) - _ROUNDING_M) if search.after else 0.0
        to_m, batch_size = search.radius_m + _ROUNDING_M, limit + _EXTRA_BARBERS
        centre = GeoPoint((search.longitude, search.latitude))
        found: list[Match] = []
        async with (
            self._query_slots,
            aclosing(self._barbers.iter_nearest(centre, from_m, to_m, batch_size)) as batches,
        ):
            async for batch in batches:
                barbers = [decode_barber(raw) for raw in batch]
                read_to = chord2_of(max(0.0, distance_m(point, barbers[-1].vector) - _ROUNDING_M))
                known = {match.barber.id for match in found}  # a barber that moves during the query can come twice
                new = BarberArray.from_barbers(barber for barber in barbers if barber.id not in known)
                found = sorted([*found, *search_array(new, search, limit)], key=_position_of)
                if len(found) >= limit and found[limit - 1].position.chord2 < read_to:
                    break
        return found[:limit]
