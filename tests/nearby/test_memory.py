"""The memory of the index, as Python allocates it, stays within the setting for any queries of clients."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from random import Random
from uuid import UUID

import pytest

from grome.barbers.models import map_entry
from grome.nearby.barber_array import BarberArray, index_barber
from grome.nearby.cell_cache import Cell
from grome.nearby.fast_query import _search_key
from grome.nearby.h3_cells import _cells_around, cells_touching
from grome.nearby.models import Filters, SearchKey
from grome.nearby.tile_cache import TileCache
from grome.scheduling.offers import OfferedService
from tests.builders.world import Place, build_barber
from tests.nearby.test_tile_cache import TOWN, StaticCells, Town

SEA = (10.0, -140.0)
# The counted bytes are upper bounds, apart from the rounding of the allocator and the growth of the last table.
MARGIN = 1.1


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(300, Random(3))  # noqa: S311 -- reproducible, and no secret


@pytest.fixture(autouse=True)
def _tracing() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def allocated_by(work: Callable[[], object]) -> int:
    """Return the bytes that are still allocated after the work, including its result."""
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    result = work()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    del result
    return after - before


@pytest.mark.parametrize(("place", "radius_m"), [(TOWN, 300.0), (TOWN, 5_000.0), (SEA, 20_000.0)])
def test_tiles_of_many_radii_and_squares_stay_within_their_memory(town: Town, place: Place, radius_m: float) -> None:
    limit = 2**17
    tiles = TileCache(StaticCells(), StaticCells(), limit)  # type: ignore[arg-type]
    # The sets of tiles of a cell are counted with the cell, so each cell has its set beforehand.
    cells = town.around(place, radius_m + 1_000)
    tiles.build(*place, SearchKey(radius_m, 20, Filters()), cells)
    made = 1

    def ask() -> None:
        nonlocal made
        while len(tiles._tiles) == made:  # noqa: SLF001 -- until the first is evicted, and as many again
            made += 1
            at = place[0] + made % 5 * 0.03, place[1]
            key = SearchKey(radius_m + made * 0.1, 20, Filters(price_max=made * 1_000))
            tiles.build(*at, key, dict(list(cells.items())[made % 5 :]))
        for number in range(made):
            key = SearchKey(radius_m + number * 0.3, 20, Filters(price_max=number * 1_003))
            tiles.build(*place, key, cells)

    assert allocated_by(ask) <= limit * MARGIN
    assert made > 5


@pytest.mark.parametrize(("barbers", "services"), [(0, 0), (1, 0), (40, 3), (10, 100)])
def test_cell_counts_at_least_the_memory_that_it_takes(barbers: int, services: int) -> None:
    offers = [OfferedService(UUID(int=number), f"Service {number}", 10**6 + number, 30) for number in range(services)]
    entries = [map_entry(build_barber(TOWN, services=offers)) for _ in range(barbers)]
    [index_barber(entry) for entry in entries]  # caches the ids of services, which all barbers share
    made: list[Cell] = []
    taken = allocated_by(
        lambda: made.append(Cell(BarberArray.from_barbers([index_barber(entry) for entry in entries]), 0.0, 1.0))
    )
    assert taken <= made[0].size_bytes


def test_cached_search_keys_and_circles_take_a_few_megabytes() -> None:
    _search_key.cache_clear()

    _cells_around.cache_clear()

    def ask() -> None:
        for number in range(1_200):
            _search_key(f"&radius_km=50&price_max={number}&rating_min=1.5&service_id={UUID(int=number)}")
        for number in range(120):
            cells_touching(number / 50, number / 50, 40_000.0 + number)

    # A thousand circles of the largest size would take 2.5 MB.
    assert allocated_by(ask) <= 4 * 2**20
