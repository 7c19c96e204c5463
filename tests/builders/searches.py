"""Generate searches around a point, and compare results with a scan of all barbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from grome.barbers.models import Barber
from grome.scheduling.offers import OfferedService
from tests.builders.world import SERVICES, Place, distance_m, location_of, random_location

NEARBY = "/v1/barbers/nearby"


@dataclass(frozen=True)
class Search:
    place: Place
    radius_km: float
    sort: str = "distance"
    service_id: UUID | None = None
    price_max: int | None = None
    rating_min: float | None = None
    online: bool | None = None
    house_calls: bool | None = None

    @property
    def query(self) -> dict[str, Any]:
        lat, lng = self.place
        narrowing = {
            "service_id": self.service_id,
            "price_max": self.price_max,
            "rating_min": self.rating_min,
            "online": None if self.online is None else str(self.online).lower(),
            "house_calls": None if self.house_calls is None else str(self.house_calls).lower(),
        }
        given_ones = {name: value for name, value in narrowing.items() if value is not None}
        return {"lat": lat, "lng": lng, "radius_km": self.radius_km, "sort": self.sort, **given_ones}

    def wants(self, found: Barber) -> bool:
        narrows_offers = self.service_id is not None or self.price_max is not None
        return (
            (not narrows_offers or any(self._fits(offer) for offer in found.services))
            and (self.rating_min is None or found.rating >= self.rating_min)
            and (self.online is None or found.is_online == self.online)
            and (self.house_calls is None or self._comes_here(found) == self.house_calls)
        )

    def _fits(self, offer: OfferedService) -> bool:
        wanted = self.service_id in {None, offer.service_id}
        return wanted and (self.price_max is None or offer.price <= self.price_max)

    def _comes_here(self, found: Barber) -> bool:
        return found.service_radius_km > 0 and self.distance_m(found) <= found.service_radius_km * 1000

    def distance_m(self, found: Barber) -> float:
        return distance_m(self.place, location_of(found))

    def key(self, found: Barber) -> float:
        """Return the sort key that precedes the distance: rating or price."""
        if self.sort == "rating":
            return -found.rating
        if self.sort == "price":
            prices = [offer.price for offer in found.services if self.service_id in {None, offer.service_id}]
            return min(prices, default=math.inf)
        return 0


def a_search(region: Place, world: list[Barber], chance: Random) -> Search:
    """Search from any point around, the middle of the region, or the place of a barber.

    Every other one is not narrowed; every other radius ends just before or behind a barber.
    """
    doors = [location_of(found) for found in world]
    place = chance.choice([random_location(region, chance), region, *doors[:3]])
    edge_m = distance_m(place, chance.choice(doors or [region])) + chance.choice([-0.1, 0.1])
    radius_km = chance.choice([min(50.0, max(0.001, edge_m / 1000)), chance.choice([50, 20, 5, 0.001])])
    sort = chance.choice(["distance", "rating", "price"])
    if chance.random() < 0.5:
        return Search(place, radius_km, sort)
    return Search(
        place,
        radius_km,
        sort,
        service_id=chance.choice([None, *SERVICES]),
        price_max=chance.choice([None, 0, 1, 2, 3]),
        rating_min=chance.choice([None, None, 0, 3.5, 3.6, 5]),
        online=chance.choice([None, None, True, False]),
        house_calls=chance.choice([None, None, True, False]),
    )


def any_limits(chance: Random) -> Iterator[int]:
    while True:
        yield chance.randint(1, 12)


def check(search: Search, everybody: dict[str, Barber], found: list[dict[str, Any]]) -> None:
    """Assert that a scan finds the same barbers in the same order, at the same distances."""
    ids = [item["id"] for item in found]
    matching = {barber_id: search.distance_m(one) for barber_id, one in everybody.items() if search.wants(one)}
    radius_m = search.radius_km * 1000
    assert len(set(ids)) == len(ids)
    assert {barber_id for barber_id, metres in matching.items() if metres < radius_m - 0.01} <= set(ids)
    assert set(ids) <= {barber_id for barber_id, metres in matching.items() if metres < radius_m + 0.01}
    for item in found:
        assert abs(item["distance_m"] - matching[item["id"]]) <= 0.2
    for one, other in pairwise(everybody[barber_id] for barber_id in ids):
        assert search.key(one) <= search.key(other)
        if search.key(one) == search.key(other):
            assert search.distance_m(one) <= search.distance_m(other) + 0.001
            assert location_of(one) != location_of(other) or one.id < other.id
