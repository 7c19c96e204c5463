"""Search barbers around a point, also for free time, and the nearest barbers that offer some services."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.availability.service import AvailabilityService
from grome.common.clock import to_utc
from grome.common.errors import Invalid
from grome.nearby.index import NearbyIndex
from grome.nearby.models import Answer, Filters
from grome.nearby.schemas import NearbyQuery, search_of

_MAX_WINDOW: Final = timedelta(days=7)


class NearbyService:
    def __init__(self, index: NearbyIndex, availability: AvailabilityService) -> None:
        self._index, self._availability = index, availability

    async def search(self, query: NearbyQuery) -> Answer:
        """Raises Invalid for the cursor or the window.

        Raises Unavailable or an error of the driver if MongoDB is away and the place is not cached.
        """
        search = search_of(query)
        if not query.has_window:
            return await self._index.page(search, query.limit)
        start, end = _window(query)

        async def find_free(barber_ids: Sequence[UUID]) -> Container[UUID]:
            return await self._availability.find_free_barbers(barber_ids, start, end, query.service_id)

        return await self._index.page_where(search, query.limit, find_free)

    async def nearest_offering(
        self, query: NearbyQuery, service_ids: Sequence[UUID], price_max: int | None, limit: int
    ) -> list[tuple[UUID, float]]:
        """Return the ids of the nearest barbers that offer all services within the price, with distances in metres.

        Only the point and the radius of the query count. Raises the errors of `search`.
        """
        filters = Filters(tuple(service_ids), price_max)
        return await self._index.nearest(msgspec.structs.replace(search_of(query), filters=filters), limit)


def _window(query: NearbyQuery) -> tuple[datetime, datetime]:
    if query.free_from is None:
        raise Invalid("free_from", "is required with `free_to`")
    if query.free_to is None:
        raise Invalid("free_to", "is required with `free_from`")
    start, end = to_utc(query.free_from, "free_from"), to_utc(query.free_to, "free_to")
    if not timedelta() < end - start <= _MAX_WINDOW:
        raise Invalid("free_to", f"must be after `free_from`, by {_MAX_WINDOW.days} days at most")
    return start, end
