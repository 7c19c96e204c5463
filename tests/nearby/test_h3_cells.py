"""H3 cells and distances agree with the geometry of the sphere."""

import math
from random import Random

import h3.api.basic_int as h3
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grome.common.geo import chord2_of, distance_m, metres_of, unit_vector
from grome.nearby.h3_cells import (
    CELL_REACH_M,
    RESOLUTION,
    cell_of,
    cells_touching,
    centre_of,
    chords2,
    enclosing_circle,
)
from tests.builders.world import destination
from tests.builders.world import distance_m as over_the_ground

latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 89.9999, 0.0]))
longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 179.9999]))


@given(latitudes, longitudes, st.floats(0.001, 52_000), st.floats(0, 1), st.floats(0, 360))
def test_cells_touching_a_circle_contain_all_its_points(
    latitude: float, longitude: float, radius_m: float, share: float, bearing: float
) -> None:
    place = destination((latitude, longitude), radius_m * share, bearing)
    assert cell_of(*place) in cells_touching(latitude, longitude, radius_m)


@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_equals_the_haversine_formula(lat1: float, lng1: float, lat2: float, lng2: float) -> None:
    metres = distance_m(unit_vector(lat1, lng1), unit_vector(lat2, lng2))
    # Nearly opposite points are where both formulas lose digits.
    assert math.isclose(metres, over_the_ground((lat1, lng1), (lat2, lng2)), rel_tol=1e-6, abs_tol=0.01)


@given(st.floats(0, 20_000_000))
def test_metres_and_squared_chords_are_inverse(metres: float) -> None:
    assert math.isclose(metres_of(chord2_of(metres)), metres, rel_tol=1e-6, abs_tol=1e-6)


@given(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=20), st.data())
def test_squared_chord_is_the_same_to_the_last_bit_in_any_array(
    places: list[tuple[float, float]], data: st.DataObject
) -> None:
    point = unit_vector(data.draw(latitudes), data.draw(longitudes))
    vectors = np.array([unit_vector(*place) for place in places]).T.copy()
    together = chords2(vectors, point)
    alone = [float(chords2(vectors[:, [index]], point)[0]) for index in range(len(places))]
    assert together.tolist() == alone


def test_cell_corners_lie_within_the_assumed_reach() -> None:
    """Check the cells around the twelve pentagons, where the grid is bent most, and a sample of the others."""
    chance = Random(1)  # noqa: S311 -- reproducible, and no secret
    bent = [cell for pentagon in h3.get_pentagons(RESOLUTION) for cell in h3.grid_disk(pentagon, 6)]
    drawn = [cell_of(math.degrees(math.asin(chance.uniform(-1, 1))), chance.uniform(-180, 180)) for _ in range(3_000)]
    for cell in (*bent, *drawn):
        corners = [unit_vector(*corner) for corner in h3.cell_to_boundary(cell)]
        assert max(distance_m(centre_of(cell), corner) for corner in corners) < CELL_REACH_M


@given(latitudes, longitudes, st.floats(1, 50_000))
def test_enclosing_circle_contains_all_corners(latitude: float, longitude: float, radius_m: float) -> None:
    cells = cells_touching(latitude, longitude, radius_m)
    lat, lng, reach_m = enclosing_circle(cells)
    middle = unit_vector(lat, lng)
    for cell in cells:
        assert all(distance_m(middle, unit_vector(*corner)) <= reach_m for corner in h3.cell_to_boundary(cell))
