"""Locations of barbers in a city: dense around the centre and in some quarters, sparse farther out."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from grome.common.geo import GeoPoint
from grome.dev.demo.cities import City

KM_PER_DEGREE: Final = 111.32  # of latitude
_QUARTER_COUNT: Final = 11
_CENTRAL_SHARE: Final = 0.25  # the share of barbers that work around the centre

_COMPASS: Final = ("North", "North-East", "East", "South-East", "South", "South-West", "West", "North-West")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A cluster of barbers, normally distributed around a point, given by its offset from the city's centre."""

    north_km: float
    east_km: float
    spread_km: float
    share: float


def reach_km(city: City) -> float:
    """Return the largest distance of a quarter: the root of the population, since area grows with people.

    Berlin has 6 km.
    """
    return min(12.0, max(1.5, 6 * math.sqrt(city.population / 3_500_000)))


def quarters_of(city: City, rng: Random) -> list[Quarter]:
    reach = reach_km(city)
    outer = [_quarter(reach, rng) for _ in range(_QUARTER_COUNT)]
    whole = sum(quarter.share for quarter in outer) / (1 - _CENTRAL_SHARE)
    centre = Quarter(0, 0, min(1.0, reach / 3), whole * _CENTRAL_SHARE)
    return [centre, *outer]


def _quarter(reach: float, rng: Random) -> Quarter:
    distance, bearing = reach * rng.random(), rng.uniform(0, math.tau)
    return Quarter(
        north_km=distance * math.cos(bearing),
        east_km=distance * math.sin(bearing),
        spread_km=reach * rng.uniform(0.08, 0.2),
        share=math.exp(-2 * distance / reach),
    )


def part_of_town(city: City, point: GeoPoint) -> str:
    """Name the part of town: the centre within a kilometre, else a compass direction.

    GeoNames has no parts of cities.
    """
    longitude, latitude = point.coordinates
    north = (latitude - city.latitude) * KM_PER_DEGREE
    east = (longitude - city.longitude) * KM_PER_DEGREE * math.cos(math.radians(city.latitude))
    if math.hypot(north, east) <= 1:
        return "Centre"
    return _COMPASS[round(math.atan2(east, north) / math.tau * len(_COMPASS)) % len(_COMPASS)]


def random_location(city: City, quarters: list[Quarter], rng: Random) -> GeoPoint:
    """Return a random point in a random quarter, rounded to a metre."""
    (quarter,) = rng.choices(quarters, [quarter.share for quarter in quarters])
    north, east = rng.gauss(quarter.north_km, quarter.spread_km), rng.gauss(quarter.east_km, quarter.spread_km)
    latitude = city.latitude + north / KM_PER_DEGREE
    longitude = city.longitude + east / (KM_PER_DEGREE * math.cos(math.radians(city.latitude)))
    return GeoPoint((round(longitude, 5), round(latitude, 5)))
