"""Define the wire format for visits to any free barber."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.barbers.models import ShopName
from grome.bookings.schemas import Note
from grome.common.clock import Instant
from grome.common.geo import Latitude, LatLng, Longitude
from grome.common.money import Amount
from grome.scheduling.schemas import ServiceIds

RadiusKm = Annotated[float, Meta(gt=0, le=50)]


class AnySlotQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects a place, services and dates."""

    lat: Latitude
    """Latitude of the centre of the search, in degrees north."""
    lng: Longitude
    """Longitude of the centre of the search, in degrees east."""
    radius_km: RadiusKm = 5.0
    """Kilometres over the ground from the centre."""
    service_ids: ServiceIds
    """Comma-separated ids of catalogue services, in the order of the visit; a barber must offer all."""
    first: date = field(name="from")
    """First local date of each barber, included."""
    last: date = field(name="to")
    """Last local date, included; at most six days after `from`."""
    price_max: Amount | None = None
    """Greatest total price of the services, in minor units of each barber's currency."""


class CandidateOut(Struct, frozen=True):
    """Describes a barber that offers all of the services."""

    id: UUID
    """Id of the barber; `barber_id` of a booking."""
    name: ShopName
    """Display name of the profile."""
    location: LatLng
    """Position of the shop."""
    distance_m: float
    """Metres over the ground from the centre of the search."""
    rating: float | None
    """Mean stars of all reviews, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of reviews behind `rating`."""
    price: int
    """Total of the services in minor units, without add-ons and discount."""
    currency: str
    """Currency of `price`."""
    duration_min: int
    """Total of the services in minutes."""
    timezone: Annotated[str, Meta(examples=["Europe/Berlin"])]
    """IANA time zone of the shop, which decides about local dates."""


class AnySlotOut(Struct, frozen=True):
    """Names a start and the barbers that are free for the visit, nearest first."""

    start: datetime
    """Start of the visit; send it as `scheduled_at`."""
    barber_ids: list[UUID]
    """Free barbers, nearest first; their details are in `barbers`."""


class AnySlotsOut(Struct, frozen=True):
    """Lists barbers near the point, and the starts at which some of them are free."""

    barbers: list[CandidateOut]
    """The 50 nearest barbers that offer the services, free or not; nearest first."""
    slots: list[AnySlotOut]
    """Starts by time; a start without a free barber is left out."""


class AnyBookingIn(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Requests a visit to any barber within reach that offers all of these services and is free at that time."""

    lat: Latitude
    """Latitude of the centre of the search, in degrees north."""
    lng: Longitude
    """Longitude of the centre of the search, in degrees east."""
    radius_km: RadiusKm = 5.0
    """Kilometres over the ground from the centre."""
    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=10)]
    """Ids of catalogue services, in the order of the visit; the barber must offer all."""
    scheduled_at: Instant
    """Start of the visit; a `start` of `GET /v1/slots`."""
    price_max: Amount | None = None
    """Greatest total price, in minor units of the barber's currency; dearer barbers are skipped."""
    note: Note | None = None
    """Shown to the barber."""
