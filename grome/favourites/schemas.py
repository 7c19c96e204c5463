"""Define the wire format of favourites."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.barbers.models import Barber, PartOfTown, ShopName
from grome.barbers.schemas import OfferOut, offers_out
from grome.common.geo import LatLng, to_lat_lng
from grome.favourites.models import Favourite
from grome.infrastructure.http import NextCursor


class BarberCard(Struct, frozen=True):
    """Shows a barber in a list."""

    id: UUID
    """Id of the barber; the path parameter `barber_id`."""
    name: ShopName
    """Name of the barber or shop."""
    neighbourhood: PartOfTown
    """Local name of the part of town; empty if not given."""
    location: LatLng
    """Position of the shop."""
    rating: float | None
    """Mean stars of all reviews, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of reviews behind `rating`."""
    is_online: bool
    """Whether the barber takes customers now, as switched by the barber."""
    services: list[OfferOut]
    """Services with prices, without their rules and add-ons."""


class FavouriteOut(Struct, frozen=True):
    """Shows a favourite barber."""

    barber_id: UUID
    """Id of the barber; the path parameter `barber_id`."""
    since: datetime
    """Time at which you added the barber."""
    barber: BarberCard | None
    """Present profile; null while the barber has no profile or is not approved."""


class FavouritePage(Struct, frozen=True):
    """Holds a page of your favourites."""

    items: list[FavouriteOut]
    """Newest favourite first."""
    next_cursor: NextCursor


def favourite_out(favourite: Favourite, barber: Barber | None) -> FavouriteOut:
    return FavouriteOut(favourite.barber_id, favourite.created_at, _card(barber) if barber else None)


def _card(barber: Barber) -> BarberCard:
    return BarberCard(
        barber.id,
        barber.display_name,
        barber.neighbourhood,
        to_lat_lng(barber.location),
        barber.shown_rating,
        barber.reviews_count,
        barber.is_online,
        offers_out(barber),
    )
