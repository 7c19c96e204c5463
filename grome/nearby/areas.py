"""Areas of the map, which live clients watch: H3 cells of the search's resolution, in hexadecimal digits."""

import h3.api.basic_int as h3  # type: ignore[import-untyped]

from grome.common.geo import GeoPoint
from grome.nearby.h3_cells import RESOLUTION, cell_of


def area_of(point: GeoPoint) -> str:
    """Return the area that contains the point."""
    longitude, latitude = point.coordinates
    name: str = h3.int_to_str(cell_of(latitude, longitude))
    return name


def is_area(name: str) -> bool:
    """Return whether this is the name of an area, in the only form that names have."""
    try:
        cell: int = h3.str_to_int(name)
    except (ValueError, OverflowError):
        return False
    return bool(h3.is_valid_cell(cell) and h3.get_resolution(cell) == RESOLUTION and h3.int_to_str(cell) == name)
