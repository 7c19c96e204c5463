"""Define the wire format for visits to any free barber."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.bookings.schemas import Note
from grome.common.clock import Instant
from grome.common.geo import Latitude, LatLng, Longitude
from grome.common.money import Amount
from grome.scheduling.schemas import ServiceIds

RadiusKm = Annotated[float, Meta(gt=0, le=50, description="In a straight line over the ground.")]
PriceMax = Annotated[
    Amount, Meta(description="Greatest total price of the services, in minor units of the barber's currency.")
]


class AnySlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects local dates of each barber, `from` and `to` included, seven at most."""

    lat: Latitude
    lng: Longitude
    radius_km: RadiusKm = 5.0
    service_ids: ServiceIds
    first: date = field(name="from")
    last: date = field(name="to")
    price_max: PriceMax | None = None


class CandidateOut(Struct, frozen=True):
    """Describes a barber that offers all of the services. `price` and `duration_min` are the totals of the services."""

    id: UUID
    name: str
    location: LatLng
    distance_m: float
    rating: float
    reviews_count: int
    price: int
    currency: str
    duration_min: int
    timezone: str


class AnySlotOut(Struct, frozen=True):
    """Names a start and the barbers that are free for the visit, nearest first."""

    start: datetime
    barber_ids: list[UUID]


class AnySlotsOut(Struct, frozen=True):
    """Lists the 50 nearest barbers, free or not, nearest first, and the starts by time."""

    barbers: list[CandidateOut]
    slots: list[AnySlotOut]


class AnyBookingIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Requests a visit to any barber within reach that offers all of these services and is free at that time."""

    lat: Latitude
    lng: Longitude
    radius_km: RadiusKm = 5.0
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    scheduled_at: Instant
    price_max: PriceMax | None = None
    note: Note | None = None
