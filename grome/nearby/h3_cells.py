"""Find the H3 cells that a circle touches, and measure from a point to many vectors at once."""

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import h3.api.basic_int as h3  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from grome.common.geo import Vector, distance_m, unit_vector

Floats = NDArray[np.float64]

# 36 km² a cell on average: a circle of 5 km touches about eight, one of 50 km some 280.
RESOLUTION: Final = 6
# From a cell's centre to its farthest corner at most: 4,101 m in the largest of all two million cells.
CELL_REACH_M: Final = 4_200.0
# Each ring of neighbours lies at least so much farther out than the one before: 4,095 m between the closest centres,
# and a ring of hexagons is √3/2 of that away where it is nearest.
_RING_M: Final = 3_300.0


def chords2(vectors: Floats, point: Vector) -> Floats:
    """Return the squared chords from a point to each of `vectors`, an array of 3 by n.

    Each is computed alone, so that a barber's figure is the same to the last bit in any array: cursors depend on it.
    """
    apart = vectors - np.array(point).reshape(3, 1)
    apart *= apart
    squared: Floats = np.add.reduce(apart)
    return squared


def cell_of(latitude: float, longitude: float) -> int:
    cell: int = h3.latlng_to_cell(latitude, longitude, RESOLUTION)
    return cell


@lru_cache(maxsize=20_000)  # of 230 bytes
def centre_of(cell: int) -> Vector:
    return unit_vector(*h3.cell_to_latlng(cell))


def cells_touching(latitude: float, longitude: float, radius_m: float) -> Sequence[int]:
    """Return every cell that may contain a point of the circle, and perhaps a few more."""
    return tuple(_cells_around(cell_of(latitude, longitude), math.ceil(radius_m / 1000)))


@lru_cache(maxsize=1_024)  # of 2.5 kB, where a tuple of the same numbers takes 13
def _cells_around(cell: int, radius_km: int) -> Sequence[int]:
    """Return the cells for all circles around points of a cell; the grid is walked once for each radius."""
    reach = radius_km * 1000 + 2 * CELL_REACH_M
    centre = centre_of(cell)
    disk = h3.grid_disk(cell, math.ceil(reach / _RING_M))
    return array("Q", (other for other in disk if distance_m(centre, centre_of(other)) <= reach))


def enclosing_circle(cells: Sequence[int]) -> tuple[float, float, float]:
    """Return latitude, longitude and radius in metres of a circle that contains all of the cells."""
    x, y, z = (sum(axis) for axis in zip(*map(centre_of, cells), strict=True))
    latitude, longitude = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
    middle = unit_vector(latitude, longitude)
    farthest = max(distance_m(middle, centre_of(cell)) for cell in cells)
    return latitude, longitude, farthest + CELL_REACH_M
