"""Define a search around a point, its filters, and the position at which a page ends."""

from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

Sort = Literal["distance", "rating", "price"]


class Filters(Struct, frozen=True):
    """Restricts the barbers of a search: they offer all of these services, for `price_max` together at most."""

    service_ids: tuple[UUID, ...] = ()
    price_max: int | None = None
    rating_min: float | None = None
    online: bool | None = None
    house_calls: bool | None = None


class CursorPosition(Struct, frozen=True, order=True):
    """Orders the matches of a search by the sort key, then by squared chord, then by id."""

    key: float
    chord2: float
    id: UUID


class SearchKey(NamedTuple):
    """Identifies a first page by distance, apart from its point; the tiles of a map square are cached under it."""

    radius_m: float
    limit: int
    filters: Filters


class Search(Struct, frozen=True):
    """Describes a search around a point; `after` is the position at which the previous page ended."""

    latitude: float
    longitude: float
    radius_m: float
    filters: Filters = Filters()
    sort: Sort = "distance"
    after: CursorPosition | None = None

    @property
    def circle(self) -> tuple[float, float, float]:
        """Latitude, longitude and radius in metres."""
        return self.latitude, self.longitude, self.radius_m

    def tile_key(self, limit: int) -> SearchKey | None:
        """Return the key of the tiles that can answer the search; None if no tile can.

        A tile knows the first page by distance, and filters that do not depend on the point.
        """
        if self.sort == "distance" and self.after is None and self.filters.house_calls is None:
            return SearchKey(self.radius_m, limit, self.filters)
        return None


class Answer(Struct, frozen=True):
    """Holds a `NearbyPage` in JSON; `age_s` is set if MongoDB is away and the cached barbers are stale."""

    body: bytes
    age_s: int | None = None
