"""What is asked of the map, and where somebody stands in an answer."""

from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

Sort = Literal["distance", "rating", "price"]


class Filters(Struct, frozen=True):
    """What a barber must be like, wherever: offer all of these services, for no more than `price_max` together."""

    service_ids: tuple[UUID, ...] = ()
    price_max: int | None = None
    rating_min: float | None = None
    online: bool | None = None
    house_calls: bool | None = None


class CursorPosition(Struct, frozen=True, order=True):
    """Where a row stands in an answer: by the sort's key, then its squared chord, then its id, which no two share."""

    key: float
    chord2: float
    id: UUID


class SearchKey(NamedTuple):
    """A search by distance, without its point."""

    radius_m: float
    limit: int
    filters: Filters
