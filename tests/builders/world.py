"""Barbers strewn over parts of the world where nobody else is, stored as they are, and distances between them."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository
from grome.barbers.service import CLOSED_WEEK
from grome.common.geo import GeoPoint
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.scheduling.offers import OfferedService

EARTH_RADIUS_M = 6_378_100
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SERVICES = [UUID(int=number) for number in (1, 2, 3)]
# Open sea, the antimeridian, and next to the poles: (lat, lng).
REGIONS = [(-47.3, 75.4), (-16.9, 179.99), (51.9, -179.98), (89.9, 15.0), (-89.99, -120.0)]

Place = tuple[float, float]


def distance_m(one: Place, other: Place) -> float:
    """Over the ground of a sphere (haversine formula)."""
    (lat1, lng1), (lat2, lng2) = ([math.radians(degrees) for degrees in place] for place in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1, half)))


def destination(place: Place, metres: float, bearing_degrees: float) -> Place:
    lat, lng, bearing, angle = *map(math.radians, (*place, bearing_degrees)), metres / EARTH_RADIUS_M
    to_lat = math.asin(math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing))
    east = math.sin(bearing) * math.sin(angle) * math.cos(lat)
    to_lng = lng + math.atan2(east, math.cos(angle) - math.sin(lat) * math.sin(to_lat))
    return math.degrees(to_lat), (math.degrees(to_lng) + 540) % 360 - 180


def location_of(found: Barber) -> Place:
    lng, lat = found.location.coordinates
    return lat, lng


def build_barber(place: Place, **changed: Any) -> Barber:
    return Barber(
        id=new_id(),
        display_name="At sea",
        location=GeoPoint((place[1], place[0])),
        timezone="UTC",
        currency="EUR",
        availability=CLOSED_WEEK,
        created_at=NOW,
        updated_at=NOW,
        **changed,
    )


def random_location(region: Place, chance: Random) -> Place:
    return destination(region, chance.uniform(0, 50_000), chance.uniform(0, 360))


def build_barbers(region: Place, size: int, chance: Random) -> list[Barber]:
    """Some barbers share a place, and there are few ratings and prices, so that many sort alike."""
    places = [random_location(region, chance) for _ in range(size)]
    return [
        build_barber(
            chance.choice(places),
            services=[
                OfferedService(service_id, "A cut", chance.randint(1, 4), 30)
                for service_id in chance.sample(SERVICES, chance.randint(0, 3))
            ],
            rating=chance.choice([0.0, 3.5, 4.0, 5.0]),
            is_online=chance.random() < 0.5,
            service_radius_km=chance.choice([0.0, 0.0, 1.0, 20.0]),
        )
        for _ in range(size)
    ]


async def list_stored(container: Container) -> dict[str, Barber]:
    """Everybody there is, by id."""
    documents = await container.database["barbers"].find({}, {"_id": 1}).to_list()
    everybody = await BarberRepository(container.database).list_by_ids([document["_id"] for document in documents])
    return {str(one.id): one for one in everybody}


async def store_barbers(container: Container, barbers: Sequence[Barber]) -> None:
    """Store them as they are, in the place of those of the same ids, and tell everybody."""
    await _delete(container, barbers)
    if barbers:
        await BarberRepository(container.database).add_many(barbers)
    for one in barbers:
        await container.get(BarberChangeFeed).publish(BarberChange(one))


async def remove_barbers(container: Container, barbers: Sequence[Barber]) -> None:
    stored = await BarberRepository(container.database).list_by_ids([one.id for one in barbers])
    await _delete(container, barbers)
    for one in stored:
        last = msgspec.structs.replace(one, version=one.version + 1)
        await container.get(BarberChangeFeed).publish(BarberChange(last, removed=True))


async def _delete(container: Container, barbers: Sequence[Barber]) -> None:
    await container.database["barbers"].delete_many({"_id": {"$in": [one.id for one in barbers]}})


@asynccontextmanager
async def stored_barbers(container: Container, barbers: Sequence[Barber]) -> AsyncIterator[None]:
    await store_barbers(container, barbers)
    try:
        yield
    finally:
        await remove_barbers(container, barbers)
