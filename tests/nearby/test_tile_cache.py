"""A tile gives the same page as a search through all cells, also after it has been divided."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from uuid import UUID

import msgspec
import pytest

from grome.barbers.change_feed import ChangeListener
from grome.barbers.models import Barber, BarberMapEntry, map_entry
from grome.common.geo import GeoPoint
from grome.nearby.barber_array import BarberArray, IndexedBarber, index_barber
from grome.nearby.cell_cache import BarberListener, Cell
from grome.nearby.h3_cells import cell_of, cells_touching
from grome.nearby.memory_search import search_array
from grome.nearby.models import Filters, Search, SearchKey
from grome.nearby.page_json import encode_page
from grome.nearby.tile_cache import Tile, TileCache, tile_circle
from tests.builders.world import Place, build_barber, destination, location_of

TOWN = (52.52, 13.405)
SERVICE = UUID(int=1)


class StaticCells:
    """Stands in for a cell cache without ageing, and for a change feed without changes."""

    def subscribe(self, listener: ChangeListener) -> None:
        self.listener = listener

    def set_listener(self, listener: BarberListener) -> None:
        self.barber_listener = listener

    def revalidate(self, _cells: Sequence[int]) -> tuple[float, float]:
        return math.inf, math.inf


def new_tile_cache() -> TileCache:
    return TileCache(StaticCells(), StaticCells(), 2**20)  # type: ignore[arg-type]


class Town:
    """Holds thousands of barbers in cells that never age, most of them in three streets."""

    def __init__(self, size: int, chance: Random) -> None:
        streets = [destination(TOWN, chance.uniform(0, 6_000), chance.uniform(0, 360)) for _ in range(3)]
        self.cells: dict[int, Cell] = {}
        barbers_by_cell: dict[int, list[IndexedBarber]] = defaultdict(list)
        self.barbers: list[Barber] = []
        for _ in range(size):
            middle, spread = (chance.choice(streets), 150) if chance.random() < 0.7 else (TOWN, 9_000)
            place = destination(middle, chance.expovariate(1 / spread), chance.uniform(0, 360))
            one = build_barber(place, is_online=chance.random() < 0.5, rating=float(chance.randint(0, 5)))
            self.barbers.append(one)
            barbers_by_cell[cell_of(*place)].append(index_barber(map_entry(one)))
        for cell, barbers in barbers_by_cell.items():
            self.cells[cell] = Cell(BarberArray.from_barbers(barbers), time.time(), 1e9)

    def around(self, place: Place, radius_m: float) -> dict[int, Cell]:
        nobody = Cell(BarberArray.from_barbers(()), time.time(), 1e9)
        return {cell: self.cells.get(cell, nobody) for cell in cells_touching(*tile_circle(*place, radius_m))}

    def search_page(self, place: Place, key: SearchKey) -> bytes:
        array = BarberArray.concatenate(cell.array for cell in self.around(place, key.radius_m).values())
        radius_m, limit, filters = key
        found = search_array(array, Search(*place, radius_m, filters), limit + 1)
        last = found[limit - 1].position if len(found) > limit else None
        page = found[:limit]
        return encode_page([one.barber for one in page], [one.position.chord2 for one in page], last)

    def somewhere(self, chance: Random) -> Place:
        near, far = chance.choice([(TOWN, 9_000.0), (location_of(chance.choice(self.barbers)), 60.0)])
        return destination(near, chance.uniform(0, far), chance.uniform(0, 360))


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(3_000, Random(3))  # noqa: S311 -- reproducible, and no secret


@pytest.mark.parametrize("limit", [1, 6, 20, 100])
@pytest.mark.parametrize("radius_m", [100.0, 1_000.0, 5_000.0, 50_000.0])
@pytest.mark.parametrize("filters", [Filters(), Filters(online=True, rating_min=3.0), Filters((SERVICE,))])
def test_tile_gives_the_same_page_as_a_search(town: Town, limit: int, radius_m: float, filters: Filters) -> None:
    chance, key, tiles = Random(4), SearchKey(radius_m, limit, filters), new_tile_cache()  # noqa: S311
    for _ in range(60):
        place = town.somewhere(chance)
        tiles.build(*place, key, town.around(place, radius_m))
        assert tiles.find_page(*place, key) == town.search_page(place, key)


def test_crowded_tiles_are_divided_within_the_bound_of_memory(town: Town) -> None:
    tiles, key = new_tile_cache(), SearchKey(5_000.0, 1, Filters())
    levels: set[int] = set()
    for one in town.barbers:
        tiles.build(*location_of(one), key, town.around(location_of(one), key.radius_m))
        found = json.loads(tiles.find_page(*location_of(one), key) or "{}")
        assert found["items"][0]["distance_m"] == 0
        for tile in list(tiles._tiles.values()):  # noqa: SLF001 -- levels have no public view
            levels |= {tile.level, *(child.level for child in tile.children.values())}
    assert len(levels) > 1
    assert tiles._bytes <= 2**20  # noqa: SLF001 -- as above
    kept = [*tiles._tiles.values(), *tiles._cell_groups.values()]  # noqa: SLF001
    assert tiles._bytes == sum(one.total_bytes() if isinstance(one, Tile) else one.size_bytes for one in kept)  # noqa: SLF001


def test_tile_after_a_change_gives_the_new_page(town: Town) -> None:
    chance = Random(5)  # noqa: S311 -- as above
    tiles = new_tile_cache()
    keys = [SearchKey(5_000.0, 6, Filters()), SearchKey(5_000.0, 6, Filters(online=True))]
    places = [town.somewhere(chance) for _ in range(15)]
    for step in range(60):
        number, cell = chance.choice([(number, cell) for number, cell in town.cells.items() if cell.array.barbers])
        old = chance.choice(cell.array.barbers)
        entry = next(map_entry(one) for one in town.barbers if one.id == old.id)
        new = index_barber(_changed(entry, step, chance))
        cell.array = cell.array.with_barber(new)
        tiles.on_barber_changed(number, old, new)
        for place in places:
            for key in keys:
                tiles.build(*place, key, town.around(place, key.radius_m))
                assert tiles.find_page(*place, key) == town.search_page(place, key)


def _changed(entry: BarberMapEntry, step: int, chance: Random) -> BarberMapEntry:
    """Rename and switch the barber, and in every second step move it by some metres within the cell."""
    lng, lat = entry.location.coordinates
    moved = destination((lat, lng), 5.0 * (step % 2), chance.uniform(0, 360))
    place = moved if cell_of(*moved) == cell_of(lat, lng) else (lat, lng)
    return msgspec.structs.replace(
        entry, display_name=f"Renamed {step}", is_online=not entry.is_online, location=GeoPoint((place[1], place[0]))
    )
