"""Searches around a point over HTTP find the same barbers as a scan."""

import base64
import json
import math
from itertools import chain
from random import Random

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import Barber
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Document
from tests.builders.barbers import barber
from tests.builders.pages import read_pages
from tests.builders.searches import NEARBY, Search, a_search, any_limits, check
from tests.builders.world import (
    REGIONS,
    Place,
    build_barber,
    build_barbers,
    distance_m,
    list_stored,
    remove_barbers,
    store_barbers,
    stored_barbers,
)


# Hypothesis draws the number of barbers and a seed; to draw each barber would be too much for it.
@settings(max_examples=30)
@given(region=st.sampled_from(REGIONS), size=st.integers(0, 40), dice=st.integers(0, 2**32))
async def test_nearby_search_finds_the_same_as_a_scan(
    http: httpx.AsyncClient, container: Container, region: Place, size: int, dice: int
) -> None:
    chance = Random(dice)  # noqa: S311 -- reproducible, and no secret
    world = build_barbers(region, size, chance)
    async with stored_barbers(container, world):
        everybody = await list_stored(container)
        for _ in range(6):
            search = a_search(region, world, chance)
            pages = await read_pages(http, NEARBY, search.query, limits=any_limits(chance))
            check(search, everybody, list(chain.from_iterable(pages)))


@settings(max_examples=10)
@given(region=st.sampled_from(REGIONS), dice=st.integers(0, 2**32))
async def test_nearby_search_follows_changes_of_cached_places(
    http: httpx.AsyncClient, container: Container, region: Place, dice: int
) -> None:
    """The same few points are searched all the time, so that their tiles must follow every change."""
    chance = Random(dice)  # noqa: S311 -- as above
    world = build_barbers(region, 25, chance)
    searches = [a_search(region, world, chance) for _ in range(4)]
    async with stored_barbers(container, world):
        for _ in range(12):
            await change_something(container, region, world, chance)
            everybody = await list_stored(container)
            for search in searches:
                pages = await read_pages(http, NEARBY, search.query, limits=any_limits(chance))
                check(search, everybody, list(chain.from_iterable(pages)))


async def change_something(container: Container, region: Place, world: list[Barber], chance: Random) -> None:
    """Move, rate, reprice, remove or add a barber."""
    index = chance.randrange(len(world))
    one, (other,) = world[index], build_barbers(region, 1, chance)
    kind = chance.choice(["all", "place", "rating", "gone", "new"])
    if kind == "gone":
        await remove_barbers(container, [one])
    elif kind == "new":
        world.append(other)
        await store_barbers(container, [other])
    else:
        changed = {"place": {"location": other.location}, "rating": {"rating": other.rating}}.get(kind) or {
            "location": other.location, "services": other.services, "is_online": other.is_online,
        }  # fmt: skip
        world[index] = msgspec.structs.replace(one, **changed, version=one.version + 2)
        await store_barbers(container, [world[index]])


async def test_nearby_page_has_all_fields(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(
        http, container, durations=(30, 45), prices=(2500, 3100), currency="NZD", location={"lat": -47.5, "lng": 76.5}
    )
    await container.database["barbers"].update_one(
        {"_id": shop.person.id}, {"$set": {"rating": 4.5, "reviews_count": 12}}
    )
    await http.put(
        "/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth
    )  # publishes the barber with the rating
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
async def test_nearby_search_across_a_map_edge_finds_the_neighbour(
    http: httpx.AsyncClient, container: Container, here: Place, there: Place
) -> None:
    neighbour = build_barber(there)
    async with stored_barbers(container, [neighbour]):
        (found,) = await read_pages(http, NEARBY, Search(here, 5).query)
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
        ({"cursor": cursor_of({"key": 0, "chord2": 1})}, "cursor"),
        ({"cursor": cursor_of({"key": {"$gt": ""}, "chord2": 1, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"key": "0", "chord2": 1, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"key": 0, "chord2": math.nan, "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"name": "Cut"})}, "cursor"),
        ({"house_calls": "maybe"}, "house_calls"),
        ({"free_from": "2030-01-01T10:00:00Z"}, "free_to"),
        ({"free_to": "2030-01-01T10:00:00Z"}, "free_from"),
        ({"free_from": "2030-01-01T10:00:00", "free_to": "2030-01-01T12:00:00Z"}, "free_from"),
        ({"free_from": "2030-01-01T10:00:00Z", "free_to": "2030-01-01T10:00:00Z"}, "free_to"),
        ({"free_from": "2030-01-01T10:00:00Z", "free_to": "2030-01-08T10:00:01Z"}, "free_to"),
    ],
)
async def test_nearby_query_with_an_invalid_value_names_the_field(
    http: httpx.AsyncClient, wrong: dict[str, str | None], field: str
) -> None:
    query = {name: value for name, value in {**SOUND, **wrong}.items() if value is not None}
    response = await http.get(NEARBY, params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]
