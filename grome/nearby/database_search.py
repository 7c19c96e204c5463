"""Searches that memory is not to be filled for, or not now: each a query of its own, as exact as the others.

The 2dsphere index gives barbers nearest first, so a page by distance is read to its end and no farther, while the cells
around the point would be read whole.
"""

import asyncio
from contextlib import aclosing
from operator import attrgetter
from typing import Final

from grome.barbers.service import BarberService
from grome.common.geo import GeoPoint, chord2_of, distance_m, metres_of, unit_vector
from grome.nearby.barber_array import BarberArray, decode_barber
from grome.nearby.memory_search import Match, search
from grome.nearby.models import CursorPosition, Filters
from grome.nearby.schemas import NearbyQuery

# Queries at a time. More of them would only slow each other down until MongoDB seemed to be away.
_MAX_CONCURRENT_QUERIES: Final = 8
# What is read beyond a page at once, in place of those who are not as wanted.
_EXTRA_BARBERS: Final = 10
# Two barbers whose distances differ by less may come in either order.
_ROUNDING_M: Final = 0.01
_position_of = attrgetter("position")


class DatabaseSearch:
    def __init__(self, barbers: BarberService) -> None:
        self._barbers = barbers
        self._query_slots = asyncio.Semaphore(_MAX_CONCURRENT_QUERIES)

    async def search(
        self, query: NearbyQuery, filters: Filters, after: CursorPosition | None, limit: int
    ) -> list[Match]:
        """The first `limit` by distance after a place. Raises the driver's errors where MongoDB is away."""
        point, radius_m = unit_vector(query.lat, query.lng), query.radius_km * 1000
        from_m = max(0.0, metres_of(after.chord2) - _ROUNDING_M) if after else 0.0
        centre = GeoPoint((query.lng, query.lat))
        found: list[Match] = []
        async with (
            self._query_slots,
            aclosing(
                self._barbers.iter_nearest(centre, from_m, radius_m + _ROUNDING_M, limit + _EXTRA_BARBERS)
            ) as batches,
        ):
            async for batch in batches:
                rows = [decode_barber(raw) for raw in batch]
                read_to = chord2_of(max(0.0, distance_m(point, rows[-1].vector) - _ROUNDING_M))
                known = {one.barber.id for one in found}  # who moves meanwhile can come twice
                new = BarberArray.from_barbers(row for row in rows if row.id not in known)
                found = sorted(
                    [*found, *search(new, point, radius_m, filters, "distance", after, limit)], key=_position_of
                )
                if len(found) >= limit and found[limit - 1].position.chord2 < read_to:
                    break
        return found[:limit]
