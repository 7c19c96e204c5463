"""Answer searches around a point by the cheapest strategy that can; the package docstring explains them."""

import time
from collections.abc import Awaitable, Callable, Collection, Container, Sequence
from typing import Final
from uuid import UUID

from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.service import BarberService
from grome.common.geo import metres_of
from grome.infrastructure.telemetry.catalogue import NEARBY_ENTRIES, NEARBY_MEMORY, NEARBY_MISSES
from grome.nearby.barber_array import BarberArray
from grome.nearby.cell_cache import Cell, CellCache
from grome.nearby.cell_loader import LoadCells
from grome.nearby.database_search import DatabaseSearch
from grome.nearby.h3_cells import cells_touching
from grome.nearby.memory_search import Match, search_array
from grome.nearby.models import Answer, CursorPosition, Search
from grome.nearby.page_json import encode_page
from grome.nearby.tile_cache import TileCache, tile_circle

# Candidates of one call of `accept`, and the calls for one page at most.
_ACCEPT_BATCH: Final = 50
_MAX_ACCEPT_BATCHES: Final = 6

Accept = Callable[[Sequence[UUID]], Awaitable[Container[UUID]]]


class NearbyIndex:
    """Searches tiles, cells in memory, or the database, and encodes the page.

    The coroutines raise Unavailable or an error of the driver if MongoDB is away and the place is not cached.
    """

    def __init__(self, barbers: BarberService, load: LoadCells, changes: BarberChangeFeed, memory_bytes: int) -> None:
        self._cells = CellCache(load, changes, memory_bytes * 3 // 4)
        self._tiles = TileCache(self._cells, changes, memory_bytes // 4)
        self._database = DatabaseSearch(barbers)
        # (latitude, longitude, SearchKey) -> JSON of the first page, or None. Not a method: the fast path saves a call.
        self.find_page = self._tiles.find_page

    async def page(self, search: Search, limit: int) -> Answer:
        """Return the page after `search.after`."""
        key = search.tile_key(limit)
        numbers = cells_touching(*(tile_circle(*search.circle) if key else search.circle))
        if search.sort == "distance" and not self._cells.should_cache(numbers):
            NEARBY_MISSES.add("database")
            return Answer(_encode(await self._database.search(search, limit + 1), limit))
        cells = dict(zip(numbers, await self._cells.get(numbers), strict=True))
        age_s = _age_s(cells.values())
        if key and age_s is None:
            self._tiles.build(search.latitude, search.longitude, key, cells)
            if body := self.find_page(search.latitude, search.longitude, key):
                NEARBY_MISSES.add("new_tile")
                self._measure()
                return Answer(body)
        NEARBY_MISSES.add("cells")
        self._measure()
        return Answer(_encode(search_array(_joined(cells.values()), search, limit + 1), limit), age_s)

    def _measure(self) -> None:
        for name, cache in (("cells", self._cells), ("tiles", self._tiles)):
            NEARBY_MEMORY.set(name, to=cache.size_bytes)
            NEARBY_ENTRIES.set(name, to=len(cache))

    async def page_where(self, search: Search, limit: int, accept: Accept) -> Answer:
        """Return the page of the barbers that `accept` returns when it is given the ids of candidates.

        At most 300 candidates are tried, so a page may be short although more follow.
        """
        cells = await self._cells.get(cells_touching(*search.circle))
        age_s = _age_s(cells)
        array, after = _joined(cells), search.after
        found: list[Match] = []
        for _ in range(_MAX_ACCEPT_BATCHES):
            batch = search_array(array, search, _ACCEPT_BATCH, after)
            accepted = await accept([match.barber.id for match in batch])
            found += [match for match in batch if match.barber.id in accepted]
            if len(batch) < _ACCEPT_BATCH:
                return Answer(_encode(found, limit), age_s)
            after = batch[-1].position
            if len(found) > limit:
                break
        return Answer(_encode(found, limit, after), age_s)

    async def nearest(self, search: Search, limit: int) -> list[tuple[UUID, float]]:
        """Return the ids of the first matches, with their distances in metres."""
        numbers = cells_touching(*search.circle)
        if self._cells.should_cache(numbers):
            found = search_array(_joined(await self._cells.get(numbers)), search, limit)
        else:
            found = await self._database.search(search, limit)
        return [(match.barber.id, round(metres_of(match.position.chord2), 1)) for match in found]


def _joined(cells: Collection[Cell]) -> BarberArray:
    return BarberArray.concatenate(cell.array for cell in cells)


def _encode(found: Sequence[Match], limit: int, following: CursorPosition | None = None) -> bytes:
    """Encode the first `limit` matches. `following` is where the next page begins if no further match was found."""
    page = found[:limit]
    if len(found) > limit:
        following = page[-1].position
    return encode_page([match.barber for match in page], [match.position.chord2 for match in page], following)


def _age_s(cells: Collection[Cell]) -> int | None:
    """Return whole seconds for an `Age` header (RFC 9111, section 5.1); None if all cells are fresh."""
    now = time.time()
    if min(cell.fresh_until for cell in cells) >= now:
        return None
    return int(now - min(cell.read_at for cell in cells))
