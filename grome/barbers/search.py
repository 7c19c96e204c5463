"""Search barbers by words in their name, services and part of town."""

import math
from typing import Final

from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository, ByDistance, ByRating, SearchCriteria
from grome.barbers.schemas import FoundBarber, SearchPage, SearchQuery, offers_out
from grome.common.errors import Invalid
from grome.common.geo import EARTH_RADIUS_M, GeoPoint, to_lat_lng
from grome.common.search_words import MAX_TERMS, count_words, words
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.prefix_search import Place

MAX_WORDS: Final = 10
DEFAULT_RADIUS_KM: Final = 20.0


class BarberSearch:
    """Finds barbers that match all words, each in any field.

    A term matches at the beginning of a word or, in scripts without spaces, anywhere. A barber ranks by its worst
    match: a whole word of the name, the beginning of a word of the name, then the same for services and part of town.
    Equal matches are sorted by distance or, without a position, by rating.
    """

    def __init__(self, barbers: BarberRepository) -> None:
        self._barbers = barbers

    async def page(self, query: SearchQuery) -> SearchPage:
        """Raises Invalid for a query without words or with an incomplete position."""
        sought = SearchCriteria(_words(query), _point(query), (query.radius_km or DEFAULT_RADIUS_KM) * 1000)
        after = decode_cursor(query.cursor, ByDistance if sought.point else ByRating)
        found = await self._barbers.search(sought, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda match: match[1])
        return SearchPage([_found_barber(*match) for match in page], next_cursor)


def _words(query: SearchQuery) -> list[str]:
    sought = words(query.q)
    if not sought:
        raise Invalid("q", "must contain a letter or digit")
    if count_words(query.q) > MAX_WORDS:
        raise Invalid("q", f"must have at most {MAX_WORDS} words")
    return sought[:MAX_TERMS]


def _point(query: SearchQuery) -> GeoPoint | None:
    if query.lat is None and query.lng is None:
        if query.radius_km is not None:
            raise Invalid("radius_km", "requires lat and lng")
        return None
    if query.lat is None:
        raise Invalid("lat", "is required with lng")
    if query.lng is None:
        raise Invalid("lng", "is required with lat")
    return GeoPoint((query.lng, query.lat))


def _found_barber(barber: Barber, place: Place) -> FoundBarber:
    return FoundBarber(
        barber.id,
        barber.display_name,
        barber.neighbourhood,
        to_lat_lng(barber.location),
        _distance_m(place) if isinstance(place, ByDistance) else None,
        barber.shown_rating,
        barber.reviews_count,
        barber.is_online,
        offers_out(barber),
    )


def _distance_m(place: ByDistance) -> float:
    return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, place.haversine))), 1)
