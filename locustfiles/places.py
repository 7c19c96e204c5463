"""Where people stand. Half the world's requests come from a few busy corners, the other half from anywhere."""

import math
import random
from argparse import ArgumentParser
from functools import cache
from typing import Final

from locust import events
from promises import Point

KM_PER_DEGREE: Final = 111.32  # of latitude
CITY_KM: Final = 10.0  # from the centre; a demo city reaches 2 to 12 km
# Few enough that a cache of rounded positions would answer most of them, which is what the two rows of nearby compare.
CORNERS: Final = 8
CORNER_KM: Final = 0.1  # people at one corner stand about so far from it
SPREAD_KM: Final = 2.0  # and corners so far from the centre, where demo barbers are thick too


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_arguments(parser: ArgumentParser) -> None:
    # The first city that the demo is laid over, as GeoNames has it.
    parser.add_argument("--lat", type=float, default=52.52437, help="Centre of a city with barbers; default Berlin.")
    parser.add_argument("--lng", type=float, default=13.41053, help="Its degrees east.")


def anywhere(centre: Point) -> Point:
    """Uniform over the city's disc."""
    distance, bearing = CITY_KM * math.sqrt(random.random()), random.uniform(0, math.tau)
    return moved(centre, distance * math.cos(bearing), distance * math.sin(bearing))


def at_a_corner(centre: Point) -> Point:
    return near(random.choice(corners(centre)))


def near(corner: Point) -> Point:
    return moved(corner, random.gauss(0, CORNER_KM), random.gauss(0, CORNER_KM))


@cache
def corners(centre: Point) -> list[Point]:
    """The same for all users and in all processes."""
    rng = random.Random(1)
    return [moved(centre, rng.gauss(0, SPREAD_KM), rng.gauss(0, SPREAD_KM)) for _ in range(CORNERS)]


def moved(point: Point, north_km: float, east_km: float) -> Point:
    """For cities away from the poles; past the antimeridian it comes in again on the other side."""
    lat = point.lat + north_km / KM_PER_DEGREE
    lng = point.lng + east_km / (KM_PER_DEGREE * math.cos(math.radians(point.lat)))
    return Point(round(lat, 6), round((lng + 180) % 360 - 180, 6))
