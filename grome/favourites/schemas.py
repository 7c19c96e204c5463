"""Define the wire format of favourites."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.barbers.models import Barber
from grome.barbers.schemas import OfferOut, offers_out
from grome.common.geo import LatLng, to_lat_lng
from grome.favourites.models import Favourite


class BarberCard(Struct, frozen=True):
    """Shows a barber in a list."""

    id: UUID
    name: str
    neighbourhood: str
    location: LatLng
    rating: float
    reviews_count: int
    is_online: bool
    services: list[OfferOut]


class FavouriteOut(Struct, frozen=True):
    """Shows a favourite since the customer added it. `barber` is null while the barber has no profile."""

    barber_id: UUID
    since: datetime
    barber: BarberCard | None


class FavouritePage(Struct, frozen=True):
    items: list[FavouriteOut]
    next_cursor: str | None


def favourite_out(favourite: Favourite, barber: Barber | None) -> FavouriteOut:
    return FavouriteOut(favourite.barber_id, favourite.created_at, _card(barber) if barber else None)


def _card(barber: Barber) -> BarberCard:
    return BarberCard(
        barber.id,
        barber.display_name,
        barber.neighbourhood,
        to_lat_lng(barber.location),
        barber.rating,
        barber.reviews_count,
        barber.is_online,
        offers_out(barber),
    )
