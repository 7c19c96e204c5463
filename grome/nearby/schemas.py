"""Define the wire format of the search around a point."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.schemas import NearbyBarber
from grome.common.clock import Instant
from grome.common.geo import Latitude, Longitude
from grome.common.money import Amount
from grome.infrastructure.http import NextCursor, PageQuery, decode_cursor
from grome.nearby.models import CursorPosition, Filters, Search, Sort


class NearbyPage(Struct, frozen=True):
    """Lists barbers in the order of the search.

    A search with `free_from` can return fewer than `limit` items although more follow: `next_cursor` tells.
    """

    items: list[NearbyBarber]
    """Approved barbers within the radius, in the requested order."""
    next_cursor: NextCursor


class NearbyQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lat: Latitude
    """Latitude of the point to search around."""
    lng: Longitude
    """Longitude of the point to search around."""
    radius_km: Annotated[float, Meta(gt=0, le=50)] = 5.0
    """Only barbers within this distance of the point, in kilometres over the ground."""
    service_id: UUID | None = None
    """Only barbers that offer this service of the catalogue."""
    price_max: Amount | None = None
    """Highest price of any service, or of `service_id` if given, in minor units of the barber's currency."""
    rating_min: Annotated[float, Meta(ge=0, le=5)] | None = None
    """Least mean rating in stars; above 0, it leaves out barbers without reviews."""
    online: bool | None = None
    """True for barbers that take walk-ins now, false for the others; leave out for both."""
    house_calls: bool | None = None
    """True for barbers that make house calls at this point, false for the others; leave out for both."""
    free_from: Instant | None = None
    """With `free_to`: only barbers with free time for a whole visit between the two."""
    free_to: Instant | None = None
    """With `free_from`: end of the time span, at most seven days after its start."""
    sort: Sort = "distance"
    """Nearest, best rated or cheapest first; equal barbers by distance."""

    @property
    def has_window(self) -> bool:
        return self.free_from is not None or self.free_to is not None


def search_of(query: NearbyQuery) -> Search:
    """Return the search without its window. Raises Invalid for the cursor."""
    service_ids = (query.service_id,) if query.service_id else ()
    return Search(
        query.lat,
        query.lng,
        query.radius_km * 1000,
        Filters(service_ids, query.price_max, query.rating_min, query.online, query.house_calls),
        query.sort,
        decode_cursor(query.cursor, CursorPosition),
    )
