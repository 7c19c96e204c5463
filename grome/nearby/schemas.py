"""The search on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.schemas import NearbyBarber
from grome.common.geo import Latitude, Longitude
from grome.common.money import Amount
from grome.infrastructure.http import PageQuery
from grome.nearby.models import Sort

Instant = Annotated[datetime, Meta(tz=True)]


class NearbyPage(Struct, frozen=True):
    """With `free_from`, a page may hold fewer than `limit` although more follow: `next_cursor` says whether they do."""

    items: list[NearbyBarber]
    next_cursor: str | None


class NearbyQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lat: Latitude
    lng: Longitude
    radius_km: Annotated[float, Meta(gt=0, le=50)] = 5.0
    service_id: UUID | None = None
    price_max: Annotated[Amount, Meta(description="Some offered service, or `service_id`, costs no more.")] | None = (
        None
    )
    rating_min: Annotated[float, Meta(ge=0, le=5)] | None = None
    online: bool | None = None
    house_calls: Annotated[bool, Meta(description="Whether the barber would come to this very point.")] | None = None
    free_from: Annotated[Instant, Meta(description="With `free_to`: has time for a whole visit between.")] | None = None
    free_to: Instant | None = None
    sort: Sort = "distance"
