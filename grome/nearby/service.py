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
from grome.nearby.barber_array import Crowd
from grome.nearby.cell_cache import Cell, Cells
from grome.nearby.database_search import StraightSearch
from grome.nearby.h3_cells import cells_touching
from grome.nearby.memory_search import Found, search
from grome.nearby.models import Narrowing, Place, Question
from grome.nearby.page_json import page_of
from grome.nearby.schemas import NearbyQuery
from grome.nearby.tile_cache import Views, around

_LONGEST_WINDOW: Final = timedelta(days=7)
# Barbers whose calendars are looked at together, and how many of them for one page at most.
_BATCH: Final = 50
_BATCHES: Final = 6


class Answer(Struct, frozen=True):
    """A `NearbyPage` in JSON. `age_s` is set where it comes from memory because MongoDB is away."""

    body: bytes
    age_s: int | None = None


class NearbyService:
    def __init__(self, cells: Cells, views: Views, straight: StraightSearch, availability: AvailabilityService) -> None:
        self._cells, self._views, self._straight, self._availability = cells, views, straight, availability
        # The first page by distance, where it can be given without waiting: (latitude, longitude, question) -> JSON.
        self.at_once = views.page

    async def nearby(self, query: NearbyQuery) -> Answer:
        """Raises Invalid for the cursor or the window.

        Raises Unavailable or the driver's errors where the place is not held and MongoDB is away.
        """
        question = question_of(query)
        plain = is_plain(query)
        circle = (query.lat, query.lng, question.radius_m)
        numbers = cells_touching(*(around(*circle) if plain else circle))
        if _is_by_distance(query) and not self._cells.are_worth_holding(numbers):
            return Answer(await self._straight_from_mongo(query, question.narrowing))
        cells = dict(zip(numbers, await self._cells.get(numbers), strict=True))
        age_s = _age_of(cells.values())
        if plain and age_s is None:
            self._views.make(query.lat, query.lng, question, cells)
            if body := self.at_once(query.lat, query.lng, question):
                return Answer(body)
        return Answer(await self._search(query, question.narrowing, list(cells.values())), age_s)

    async def offering(
        self, query: NearbyQuery, service_ids: Sequence[UUID], price_max: int | None, limit: int
    ) -> list[tuple[UUID, float]]:
        """The ids of the nearest who offer all of these services for no more, with their distances in metres.

        Of the query, point and radius count. Raises as `nearby`.
        """
        narrowing = Narrowing(tuple(service_ids), price_max)
        numbers = cells_touching(query.lat, query.lng, query.radius_km * 1000)
        if self._cells.are_worth_holding(numbers):
            crowd = Crowd.joined([cell.crowd for cell in await self._cells.get(numbers)])
            found = _ranked(query, narrowing, crowd, None, limit)
        else:
            found = await self._straight.first(query, narrowing, None, limit)
        return [(one.row.id, round(metres_of(one.place.chord2), 1)) for one in found]

    async def _straight_from_mongo(self, query: NearbyQuery, narrowing: Narrowing) -> bytes:
        after = decode_cursor(query.cursor, Place)
        return _page(await self._straight.first(query, narrowing, after, query.limit + 1), query.limit)

    async def _search(self, query: NearbyQuery, narrowing: Narrowing, cells: Sequence[Cell]) -> bytes:
        crowd = Crowd.joined([cell.crowd for cell in cells])
        after = decode_cursor(query.cursor, Place)
        if query.free_from is None and query.free_to is None:
            return _page(_ranked(query, narrowing, crowd, after, query.limit + 1), query.limit)
        found, more = await self._free(query, narrowing, crowd, after)
        return _page(found, query.limit, more)

    async def _free(
        self, query: NearbyQuery, narrowing: Narrowing, crowd: Crowd, after: Place | None
    ) -> tuple[list[Found], Place | None]:
        """Those with time in the window, and how far was looked where that was not to the end."""
        start, end = _window(query)
        found: list[Found] = []
        for _ in range(_BATCHES):
            batch = _ranked(query, narrowing, crowd, after, _BATCH)
            free = await self._availability.find_free_barbers(
                [one.row.id for one in batch], start, end, query.service_id
            )
            found += [one for one in batch if one.row.id in free]
            if len(batch) < _BATCH:
                return found, None
            after = batch[-1].place
            if len(found) > query.limit:
                break
        return found, after


def _ranked(query: NearbyQuery, narrowing: Narrowing, crowd: Crowd, after: Place | None, limit: int) -> list[Found]:
    return search(crowd, unit_vector(query.lat, query.lng), query.radius_km * 1000, narrowing, query.sort, after, limit)


def _page(found: Sequence[Found], limit: int, more: Place | None = None) -> bytes:
    """Of those who were found, who may be too many; `more` is where else the next page begins, if there is one."""
    page = found[:limit]
    if len(found) > limit:
        more = page[-1].place
    return page_of([one.row for one in page], [one.place.chord2 for one in page], more)


def question_of(query: NearbyQuery) -> Question:
    service_ids = (query.service_id,) if query.service_id else ()
    narrowing = Narrowing(service_ids, query.price_max, query.rating_min, query.online, query.house_calls)
    return Question(query.radius_km * 1000, query.limit, narrowing)


def is_plain(query: NearbyQuery) -> bool:
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
    if not timedelta() < end - start <= _LONGEST_WINDOW:
        raise Invalid("free_to", f"must be after `free_from`, by {_LONGEST_WINDOW.days} days at most")
    return start, end


def _age_of(cells: Collection[Cell]) -> int | None:
    """In whole seconds, for an `Age` header (RFC 9111, section 5.1); None where all cells are as fresh as promised."""
    now = time.time()
    if min(cell.fresh_until for cell in cells) >= now:
        return None
    return int(now - min(cell.read_at for cell in cells))
