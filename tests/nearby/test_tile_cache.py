"""What a view answers is what a search through all cells finds, in crowds that are cut into ever smaller squares."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from uuid import UUID

import msgspec
import pytest

from grome.barbers.change_feed import Listener
from grome.barbers.models import Barber, MapPin, map_pin
from grome.common.geo import GeoPoint, unit_vector
from grome.nearby.barber_array import Crowd, Row, row_of
from grome.nearby.cell_cache import Cell, Touched
from grome.nearby.h3_cells import cell_of, cells_touching
from grome.nearby.memory_search import search
from grome.nearby.models import Narrowing, Question
from grome.nearby.page_json import page_of
from grome.nearby.tile_cache import View, Views, around
from tests.builders.world import Place, a_barber, away_from, place_of

TOWN = (52.52, 13.405)
SERVICE = UUID(int=1)


class Still:
    """Stands for cells that never age, and for changes, of which the test tells the views itself."""

    def add(self, listener: Listener) -> None:
        self.listener = listener

    def watch(self, touched: Touched) -> None:
        self.touched = touched

    def renew(self, _wanted: Sequence[int]) -> tuple[float, float]:
        return math.inf, math.inf


def new_views() -> Views:
    return Views(Still(), Still(), 2**20)  # type: ignore[arg-type]


class Town:
    """Thousands of barbers, most of them in three streets, in cells that never age."""

    def __init__(self, size: int, chance: Random) -> None:
        streets = [away_from(TOWN, chance.uniform(0, 6_000), chance.uniform(0, 360)) for _ in range(3)]
        self.cells: dict[int, Cell] = {}
        homes: dict[int, list[Row]] = defaultdict(list)
        self.barbers: list[Barber] = []
        for _ in range(size):
            middle, spread = (chance.choice(streets), 150) if chance.random() < 0.7 else (TOWN, 9_000)
            place = away_from(middle, chance.expovariate(1 / spread), chance.uniform(0, 360))
            one = a_barber(place, is_online=chance.random() < 0.5, rating=float(chance.randint(0, 5)))
            self.barbers.append(one)
            homes[cell_of(*place)].append(row_of(map_pin(one)))
        for cell, rows in homes.items():
            self.cells[cell] = Cell(Crowd.of(rows), time.time(), 1e9)

    def around(self, place: Place, radius_m: float) -> dict[int, Cell]:
        nobody = Cell(Crowd.of(()), time.time(), 1e9)
        return {cell: self.cells.get(cell, nobody) for cell in cells_touching(*around(*place, radius_m))}

    def searched(self, place: Place, question: Question) -> bytes:
        crowd = Crowd.joined(cell.crowd for cell in self.around(place, question.radius_m).values())
        radius_m, limit, narrowing = question
        found = search(crowd, unit_vector(*place), radius_m, narrowing, "distance", None, limit + 1)
        last = found[limit - 1].place if len(found) > limit else None
        page = found[:limit]
        return page_of([one.row for one in page], [one.place.chord2 for one in page], last)

    def somewhere(self, chance: Random) -> Place:
        near, far = chance.choice([(TOWN, 9_000.0), (place_of(chance.choice(self.barbers)), 60.0)])
        return away_from(near, chance.uniform(0, far), chance.uniform(0, 360))


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(3_000, Random(3))  # noqa: S311 -- reproducible, and no secret


@pytest.mark.parametrize("limit", [1, 6, 20, 100])
@pytest.mark.parametrize("radius_m", [100.0, 1_000.0, 5_000.0, 50_000.0])
@pytest.mark.parametrize("narrowing", [Narrowing(), Narrowing(online=True, rating_min=3.0), Narrowing((SERVICE,))])
def test_a_view_finds_what_a_search_finds(town: Town, limit: int, radius_m: float, narrowing: Narrowing) -> None:
    chance, question, views = Random(4), Question(radius_m, limit, narrowing), new_views()  # noqa: S311
    for _ in range(60):
        place = town.somewhere(chance)
        views.make(*place, question, town.around(place, radius_m))
        assert views.page(*place, question) == town.searched(place, question)


def test_crowds_are_cut_and_what_is_kept_is_bounded(town: Town) -> None:
    views, question = new_views(), Question(5_000.0, 1, Narrowing())
    levels: set[int] = set()
    for one in town.barbers:
        views.make(*place_of(one), question, town.around(place_of(one), question.radius_m))
        found = json.loads(views.page(*place_of(one), question) or "{}")
        assert found["items"][0]["distance_m"] == 0
        for view in list(views._largest.values()):  # noqa: SLF001 -- what it holds is what is asked here
            levels |= {view.level, *(child.level for child in view.children.values())}
    assert len(levels) > 1
    assert views._weight <= 2**20  # noqa: SLF001 -- as above
    kept = [*views._largest.values(), *views._areas.values()]  # noqa: SLF001
    assert views._weight == sum(one.whole_weight() if isinstance(one, View) else one.weight for one in kept)  # noqa: SLF001


def test_a_change_is_seen_or_ends_the_view(town: Town) -> None:
    chance = Random(5)  # noqa: S311 -- as above
    views = new_views()
    questions = [Question(5_000.0, 6, Narrowing()), Question(5_000.0, 6, Narrowing(online=True))]
    places = [town.somewhere(chance) for _ in range(15)]
    for step in range(60):
        number, cell = chance.choice([(number, cell) for number, cell in town.cells.items() if cell.crowd.rows])
        old = chance.choice(cell.crowd.rows)
        pin = next(map_pin(one) for one in town.barbers if one.id == old.id)
        new = row_of(_changed(pin, step, chance))
        cell.crowd = cell.crowd.with_row(new)
        views.touched(number, old, new)
        for place in places:
            for question in questions:
                views.make(*place, question, town.around(place, question.radius_m))
                assert views.page(*place, question) == town.searched(place, question)


def _changed(pin: MapPin, step: int, chance: Random) -> MapPin:
    """Renamed and switched; every other one also moves by some metres within the cell."""
    lng, lat = pin.location.coordinates
    moved = away_from((lat, lng), 5.0 * (step % 2), chance.uniform(0, 360))
    place = moved if cell_of(*moved) == cell_of(lat, lng) else (lat, lng)
    return msgspec.structs.replace(
        pin, display_name=f"Renamed {step}", is_online=not pin.is_online, location=GeoPoint((place[1], place[0]))
    )
