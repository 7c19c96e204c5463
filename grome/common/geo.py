"""Positions on the ground and the distances between them.

Points are unit vectors. The chord between two points grows with the distance over the ground, is exact for the shortest
distances, and has no special case at the antimeridian or the poles. Only displayed distances are converted to metres.
"""

import math
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

# In metres: the sphere on which MongoDB's $geoNear measures.
EARTH_RADIUS_M: Final = 6_378_100.0
Vector = tuple[float, float, float]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="Degrees north.", examples=[52.52])]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Degrees east.", examples=[13.405])]


class GeoPoint(Struct, frozen=True):
    """GeoJSON: longitude first."""

    coordinates: tuple[float, float]
    type: Literal["Point"] = "Point"


class LatLng(Struct, frozen=True, forbid_unknown_fields=True):
    """A position on the ground, in degrees of WGS 84."""

    lat: Latitude
    lng: Longitude


def to_point(place: LatLng) -> GeoPoint:
    return GeoPoint((place.lng, place.lat))


def to_lat_lng(point: GeoPoint) -> LatLng:
    longitude, latitude = point.coordinates
    return LatLng(latitude, longitude)


def unit_vector(latitude: float, longitude: float) -> Vector:
    phi, lam = math.radians(latitude), math.radians(longitude)
    cos_phi = math.cos(phi)
    return cos_phi * math.cos(lam), cos_phi * math.sin(lam), math.sin(phi)


def chord2_of(metres: float) -> float:
    """Return the squared chord, on the unit sphere, of a distance over the ground."""
    return (2 * math.sin(min(metres / (2 * EARTH_RADIUS_M), math.pi / 2))) ** 2


def metres_of(chord2: float) -> float:
    """Return the distance over the ground, in metres, of a squared chord."""
    return 2 * EARTH_RADIUS_M * math.asin(min(math.sqrt(chord2) / 2, 1.0))


def distance_m(one: Vector, other: Vector) -> float:
    return metres_of(math.dist(one, other) ** 2)
