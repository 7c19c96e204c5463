"""Barbers around a point, over HTTP, against a search that looks at every barber there is."""

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grome.barbers.models import Barber, OfferedService
from grome.common.mongo import Document, from_document, to_document
from grome.context import AppContext
from tests.builders.barbers import barber
from tests.builders.pages import walk
from tests.builders.world import (
    REGIONS,
    SERVICES,
    Place,
    a_barber,
    a_world,
    distance_m,
    place_of,
    somewhere_in,
)

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

    @property
    def query(self) -> dict[str, Any]:
        lat, lng = self.place
        narrowing = {
            "service_id": self.service_id,
            "price_max": self.price_max,
            "rating_min": self.rating_min,
            "online": None if self.online is None else str(self.online).lower(),
        }
        given_ones = {name: value for name, value in narrowing.items() if value is not None}
        return {"lat": lat, "lng": lng, "radius_km": self.radius_km, "sort": self.sort, **given_ones}

    def wants(self, found: Barber) -> bool:
        narrows_offers = self.service_id is not None or self.price_max is not None
        return (
            (not narrows_offers or any(self._fits(offer) for offer in found.services))
            and (self.rating_min is None or found.rating >= self.rating_min)
            and (self.online is None or found.is_online == self.online)
        )

    def _fits(self, offer: OfferedService) -> bool:
        wanted = self.service_id in {None, offer.service_id}
        return wanted and (self.price_max is None or offer.price <= self.price_max)

    def distance_m(self, found: Barber) -> float:
        return distance_m(self.place, place_of(found))

    def key(self, found: Barber) -> float:
        """What comes before the distance in the order: best rating first, or cheapest first."""
        if self.sort == "rating":
            return -found.rating
        if self.sort == "price":
            prices = [offer.price for offer in found.services if self.service_id in {None, offer.service_id}]
            return min(prices, default=math.inf)
        return 0


def a_search(region: Place, world: list[Barber], chance: Random) -> Search:
    """From anywhere around, the region's middle or a barber's own door.

    Every other one is not narrowed; every other radius ends just before or behind a barber.
    """
    doors = [place_of(found) for found in world]
    place = chance.choice([somewhere_in(region, chance), region, *doors[:3]])
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
    )


def any_limits(chance: Random) -> Iterator[int]:
    while True:
        yield chance.randint(1, 12)


def check(search: Search, everybody: dict[str, Barber], found: list[dict[str, Any]]) -> None:
    """What was found is what looking at everybody finds, in the same order, with true distances."""
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
            assert place_of(one) != place_of(other) or one.id < other.id


# A world drawn piece by piece would be too much for Hypothesis: it draws how many barbers there are, and the dice.
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(region=st.sampled_from(REGIONS), size=st.integers(0, 40), dice=st.integers(0, 2**32))
async def test_it_finds_what_looking_at_everybody_finds(
    http: httpx.AsyncClient, context: AppContext, region: Place, size: int, dice: int
) -> None:
    chance = Random(dice)  # noqa: S311 -- reproducible, and no secret
    barbers, world = context.database["barbers"], a_world(region, size, chance)
    if world:
        await barbers.insert_many([to_document(one) for one in world])
    try:
        everybody = {str(document["_id"]): from_document(document, Barber) async for document in barbers.find()}
        for _ in range(8):
            search = a_search(region, world, chance)
            pages = await walk(http, NEARBY, search.query, limits=any_limits(chance))
            check(search, everybody, list(chain.from_iterable(pages)))
    finally:
        await barbers.delete_many({"_id": {"$in": [one.id for one in world]}})


async def test_the_contract(http: httpx.AsyncClient, context: AppContext) -> None:
    shop = await barber(
        http, context, durations=(30, 45), prices=(2500, 3100), currency="NZD", location={"lat": -47.5, "lng": 76.5}
    )
    await context.database["barbers"].update_one(
        {"_id": shop.person.id}, {"$set": {"rating": 4.5, "reviews_count": 12}}
    )
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    query = {"lat": -47.5, "lng": 76.51, "radius_km": 5, "limit": 20}
    response = await http.get(NEARBY, params=query)
    assert response.status_code == 200
    assert response.json() == {
        "items": [
            {
                "id": shop.id,
                "name": "A chair",
                "location": {"lat": -47.5, "lng": 76.5},
                "distance_m": pytest.approx(distance_m((-47.5, 76.5), (-47.5, 76.51)), abs=0.2),
                "rating": 4.5,
                "reviews_count": 12,
                "is_online": True,
                "services": [
                    {
                        "service_id": service_id,
                        "name": response.json()["items"][0]["services"][number]["name"],
                        "price": (2500, 3100)[number],
                        "currency": "NZD",
                        "duration_min": duration,
                    }
                    for number, (service_id, duration) in enumerate(shop.services)
                ],
            }
        ],
        "next_cursor": None,
    }
    with_token = await http.get(NEARBY, params=query, headers=shop.auth)
    assert with_token.content == response.content


@pytest.mark.parametrize(("here", "there"), [((-16.9, 179.999), (-16.9, -179.999)), ((89.99, 0.0), (89.99, 180.0))])
async def test_neighbours_across_the_edges_of_the_map(
    http: httpx.AsyncClient, context: AppContext, here: Place, there: Place
) -> None:
    neighbour = a_barber(there)
    await context.database["barbers"].insert_one(to_document(neighbour))
    (found,) = await walk(http, NEARBY, Search(here, 5).query)
    await context.database["barbers"].delete_one({"_id": neighbour.id})
    metres = {item["id"]: item["distance_m"] for item in found}[str(neighbour.id)]
    assert metres == pytest.approx(distance_m(here, there), abs=0.2)
    assert metres < 3000


def cursor_of(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


SOUND: Document = {"lat": "-47.5", "lng": "76.5"}
ID = "0190a0a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"lat": None}, "lat"),
        ({"lat": "91"}, "lat"),
        ({"lat": "nan"}, "lat"),
        ({"lng": "-180.5"}, "lng"),
        ({"lng": "inf"}, "lng"),
        ({"lng": "east"}, "lng"),
        ({"radius_km": "0"}, "radius_km"),
        ({"radius_km": "50.1"}, "radius_km"),
        ({"radius_km": "nan"}, "radius_km"),
        ({"limit": "101"}, "limit"),
        ({"sort": "name"}, "sort"),
        ({"service_id": "cut"}, "service_id"),
        ({"price_max": "-1"}, "price_max"),
        ({"price_max": "9.5"}, "price_max"),
        ({"rating_min": "5.1"}, "rating_min"),
        ({"online": "maybe"}, "online"),
        ({"radius": "5"}, "radius"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "ü"}, "cursor"),
        ({"cursor": cursor_of([])}, "cursor"),
        ({"cursor": cursor_of({"key": 0, "distance_m": 1})}, "cursor"),
        ({"cursor": cursor_of({"key": {"$gt": ""}, "distance_m": 1, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"key": "0", "distance_m": 1, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"key": 0, "distance_m": math.nan, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"name": "Cut"})}, "cursor"),
    ],
)
async def test_what_is_refused_is_named(http: httpx.AsyncClient, wrong: dict[str, str | None], field: str) -> None:
    query = {name: value for name, value in {**SOUND, **wrong}.items() if value is not None}
    response = await http.get(NEARBY, params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]
