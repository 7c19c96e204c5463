"""Who is near, from memory."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.availability.service import AvailabilityService
from grome.common.clock import to_utc
from grome.common.errors import Invalid
from grome.common.geo import metres_of, unit_vector
from grome.infrastructure.http import decode_cursor
from grome.nearby.barber_array import BarberArray
from grome.nearby.cell_cache import Cell, CellCache
from grome.nearby.database_search import DatabaseSearch
from grome.nearby.h3_cells import cells_touching
from grome.nearby.memory_search import Match, search
from grome.nearby.models import CursorPosition, Filters, SearchKey
from grome.nearby.page_json import encode_page
from grome.nearby.schemas import NearbyQuery
from grome.nearby.tile_cache import TileCache, tile_circle

_MAX_WINDOW: Final = timedelta(days=7)
# Barbers whose calendars are looked at together, and how many of them for one page at most.
_AVAILABILITY_BATCH: Final = 50
_MAX_AVAILABILITY_BATCHES: Final = 6


class Answer(Struct, frozen=True):
    """A `NearbyPage` in JSON. `age_s` is set where it comes from memory because MongoDB is away."""

    body: bytes
    age_s: int | None = None


class NearbyService:
    def __init__(
        self, cells: CellCache, tiles: TileCache, database: DatabaseSearch, availability: AvailabilityService
    ) -> None:
        self._cells, self._tile_cache, self._database, self._availability = cells, tiles, database, availability
        # The first page by distance, where it can be given without waiting: (latitude, longitude, question) -> JSON.
        self.at_once = tiles.find_page

    async def search(self, query: NearbyQuery) -> Answer:
        """Raises Invalid for the cursor or the window.

        Raises Unavailable or the driver's errors where the place is not held and MongoDB is away.
        """
        question = search_key_of(query)
        plain = is_tileable(query)
        circle = (query.lat, query.lng, question.radius_m)
        numbers = cells_touching(*(tile_circle(*circle) if plain else circle))
        if _is_by_distance(query) and not self._cells.should_cache(numbers):
            return Answer(await self._straight_from_mongo(query, question.filters))
        cells = dict(zip(numbers, await self._cells.get(numbers), strict=True))
        age_s = _age_of(cells.values())
        if plain and age_s is None:
            self._tile_cache.build(query.lat, query.lng, question, cells)
            if body := self.at_once(query.lat, query.lng, question):
                return Answer(body)
        return Answer(await self._search(query, question.filters, list(cells.values())), age_s)

    async def nearest_offering(
        self, query: NearbyQuery, service_ids: Sequence[UUID], price_max: int | None, limit: int
    ) -> list[tuple[UUID, float]]:
        """The ids of the nearest who offer all of these services for no more, with their distances in metres.

        Of the query, point and radius count. Raises as `nearby`.
        """
        filters = Filters(tuple(service_ids), price_max)
        numbers = cells_touching(query.lat, query.lng, query.radius_km * 1000)
        if self._cells.should_cache(numbers):
            array = BarberArray.concatenate([cell.array for cell in await self._cells.get(numbers)])
            found = _search_array(query, filters, array, None, limit)
        else:
            found = await self._database.search(query, filters, None, limit)
        return [(one.barber.id, round(metres_of(one.position.chord2), 1)) for one in found]

    async def _straight_from_mongo(self, query: NearbyQuery, filters: Filters) -> bytes:
        after = decode_cursor(query.cursor, CursorPosition)
        return _page(await self._database.search(query, filters, after, query.limit + 1), query.limit)

    async def _search(self, query: NearbyQuery, filters: Filters, cells: Sequence[Cell]) -> bytes:
        array = BarberArray.concatenate([cell.array for cell in cells])
        after = decode_cursor(query.cursor, CursorPosition)
        if query.free_from is None and query.free_to is None:
            return _page(_search_array(query, filters, array, after, query.limit + 1), query.limit)
        found, more = await self._search_free(query, filters, array, after)
        return _page(found, query.limit, more)

    async def _search_free(
        self, query: NearbyQuery, filters: Filters, array: BarberArray, after: CursorPosition | None
    ) -> tuple[list[Match], CursorPosition | None]:
        """Those with time in the window, and how far was looked where that was not to the end."""
        start, end = _window(query)
        found: list[Match] = []
        for _ in range(_MAX_AVAILABILITY_BATCHES):
            batch = _search_array(query, filters, array, after, _AVAILABILITY_BATCH)
            free = await self._availability.find_free_barbers(
                [one.barber.id for one in batch], start, end, query.service_id
            )
            found += [one for one in batch if one.barber.id in free]
            if len(batch) < _AVAILABILITY_BATCH:
                return found, None
            after = batch[-1].position
            if len(found) > query.limit:
                break
        return found, after


def _search_array(
    query: NearbyQuery, filters: Filters, array: BarberArray, after: CursorPosition | None, limit: int
) -> list[Match]:
    return search(array, unit_vector(query.lat, query.lng), query.radius_km * 1000, filters, query.sort, after, limit)


def _page(found: Sequence[Match], limit: int, more: CursorPosition | None = None) -> bytes:
    """Of those who were found, who may be too many; `more` is where else the next page begins, if there is one."""
    page = found[:limit]
    if len(found) > limit:
        more = page[-1].position
    return encode_page([one.barber for one in page], [one.position.chord2 for one in page], more)


def search_key_of(query: NearbyQuery) -> SearchKey:
    service_ids = (query.service_id,) if query.service_id else ()
    filters = Filters(service_ids, query.price_max, query.rating_min, query.online, query.house_calls)
    return SearchKey(query.radius_km * 1000, query.limit, filters)


def is_tileable(query: NearbyQuery) -> bool:
    """Whether the order is that of the distance, from its beginning, and nothing but the order depends on the point."""
    return _is_by_distance(query) and query.cursor is None and query.house_calls is None


def _is_by_distance(query: NearbyQuery) -> bool:
    return query.sort == "distance" and query.free_from is None and query.free_to is None


def _window(query: NearbyQuery) -> tuple[datetime, datetime]:
    if query.free_from is None:
        raise Invalid("free_from", "is required with `free_to`")
    if query.free_to is None:
        raise Invalid("free_to", "is required with `free_from`")
    start, end = to_utc(query.free_from, "free_from"), to_utc(query.free_to, "free_to")
    if not timedelta() < end - start <= _MAX_WINDOW:
        raise Invalid("free_to", f"must be after `free_from`, by {_MAX_WINDOW.days} days at most")
    return start, end


def _age_of(cells: Collection[Cell]) -> int | None:
    """In whole seconds, for an `Age` header (RFC 9111, section 5.1); None where all cells are as fresh as promised."""
    now = time.time()
    if min(cell.fresh_until for cell in cells) >= now:
        return None
    return int(now - min(cell.read_at for cell in cells))
