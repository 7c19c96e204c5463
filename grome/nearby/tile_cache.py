"""Answers made at once: the few barbers who can be among the nearest from anywhere in a square of the map.

Let c be the square's centre, s the distance from it to a corner, and d the distance from c to the k-th nearest barber.
From any point of the square at least k barbers lie within d + s, so none of its k nearest is farther from c than
d + 2s. Who is nearer than another from all four corners is so from all points between them; of these candidates, those
are left out who have k such others before them. The rest is kept for the square; an answer measures from the true point
to each. Where they are many, the square is cut into smaller ones, each of which needs but some of its parent's.

What changes farther from c than the candidates reach cannot change an answer. Of what changes nearer, most leaves the
barber's place as it is, and is put into the tiles that hold the barber; other changes end the tile.
"""

import time
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from struct import Struct
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.common.geo import Vector, chord2_of, distance_m, metres_of, unit_vector
from grome.nearby.barber_array import BarberArray, IndexedBarber, barber_id_of
from grome.nearby.cell_cache import Cell, CellCache
from grome.nearby.h3_cells import CELL_REACH_M, Floats, centre_of, chords2
from grome.nearby.memory_search import filter_mask
from grome.nearby.models import CursorPosition, Filters, SearchKey
from grome.nearby.page_json import encode_page

# Squares per degree, level by level: from 2.8 km to 43 m from south to north.
_TILES_PER_DEGREE: Final = (40, 160, 640, 2560)
_ROUNDING_M: Final = 0.01
_ROUNDING_CHORD2: Final = 1e-16  # far more than rounding makes of one of 50 km
# To compare all with all takes the square of their number in time.
_MAX_COMPARED_CANDIDATES: Final = 400
# As many and three times the limit, and a smaller square is worth being made.
_MIN_SPLIT_CANDIDATES: Final = 100
# The memory of a tile, measured: objects and dictionary entries; for each candidate a reference and three numbers.
_TILE_BYTES: Final = 1_200
_CANDIDATE_BYTES: Final = 34
# A circle of 50 km touches some 300 cells: each takes its number, and an entry in a set that can be five sixths empty.
_CELL_GROUP_BYTES: Final = 700
_GROUPED_CELL_BYTES: Final = 116
_NO_FILTERS: Final = Filters()
_iter_points: Final = Struct("3d").iter_unpack

TileKey = tuple[int, int, SearchKey]


def tile_index(latitude: float, longitude: float) -> tuple[int, int]:
    """The largest square around a point, by its row from the south and its column from the west."""
    return int((latitude + 90) * _TILES_PER_DEGREE[0]), int((longitude + 180) * _TILES_PER_DEGREE[0])


class CellGroup:
    """The cells that tiles are made from, and the keys of those tiles: the same for all radii within a kilometre."""

    __slots__ = ("cells", "tile_keys")

    def __init__(self, cells: Iterable[int]) -> None:
        self.cells = array("Q", cells)  # the numbers themselves, where a tuple would hold 300 objects
        self.tile_keys: set[TileKey] = set()

    @property
    def size_bytes(self) -> int:
        """In bytes, without its tiles."""
        return _CELL_GROUP_BYTES + _GROUPED_CELL_BYTES * len(self.cells)


_NO_CELLS: Final = CellGroup(())


class Tile:
    """The candidates of a square, in the order of their ids; `reach_m` is how far from `centre` a change matters.

    A tile has either `vectors`, an array of 3 by n, because it is crowded and smaller squares inside it are worth being
    made; or `points`, the same number after number: for a few of them plain Python takes half of NumPy's time, if they
    lie side by side in memory.

    A largest tile answers until `valid_until`, when its cells are too old. From `check_at` on it asks the cell cache
    whether they have been renewed (Unix seconds).
    """

    __slots__ = (
        "barbers",
        "cell_group",
        "centre",
        "check_at",
        "children",
        "index",
        "level",
        "max_chord2",
        "points",
        "reach_m",
        "search_key",
        "spread_m",
        "valid_until",
        "vectors",
    )

    def __init__(self, key: TileKey, level: int) -> None:
        row, column, self.search_key = key
        self.level = level
        self.centre, self.spread_m = _centre_and_spread(row, column, level)
        self.index = row, column
        self.reach_m = self.search_key.radius_m + self.spread_m
        self.max_chord2 = chord2_of(self.search_key.radius_m)
        self.cell_group = _NO_CELLS
        self.check_at = self.valid_until = 0.0
        self.children: dict[tuple[int, int], Tile] = {}
        self.barbers: list[IndexedBarber] = []
        self.points = b""
        self.vectors: Floats | None = None

    @classmethod
    def from_arrays(cls, key: TileKey, arrays: Iterable[tuple[float, BarberArray]]) -> Self:
        """Of a largest square, from arrays, each with how near to its centre it can have somebody, in metres.

        The nearest arrays first: once they have k, only who is within reach of the k-th is looked for.
        """
        tile = cls(key, 0)
        found: list[BarberArray] = []
        chord2 = np.empty(0)
        for least_m, barbers in sorted(arrays, key=_by_distance):
            if least_m > tile.reach_m:
                break
            apart = chords2(barbers.vectors, tile.centre)
            inside = apart <= chord2_of(tile.reach_m)
            if tile.search_key.filters != _NO_FILTERS:
                inside &= filter_mask(barbers, apart, tile.search_key.filters)
            indexes = np.flatnonzero(inside)
            found.append(barbers.take(indexes))
            chord2 = np.concatenate([chord2, apart[indexes]])
            tile._shrink_reach(chord2)
        everybody = BarberArray.concatenate(found)
        near = np.flatnonzero(chord2 <= chord2_of(tile.reach_m))
        ids = everybody.ids[:, near]
        tile._set_candidates(everybody.barbers, everybody.vectors, near[np.lexsort((ids[1], ids[0]))])
        return tile

    def add_child(self, row: int, column: int) -> "Tile":
        """Of a smaller square inside this crowded one."""
        child = Tile((row, column, self.search_key), self.level + 1)
        assert self.vectors is not None  # noqa: S101 -- it is crowded
        chord2 = chords2(self.vectors, child.centre)
        child._shrink_reach(chord2)
        child._set_candidates(self.barbers, self.vectors, np.flatnonzero(chord2 <= chord2_of(child.reach_m)))
        self.children[row, column] = child
        return child

    def _shrink_reach(self, chord2: Floats) -> None:
        """Nobody farther can be among the nearest, given how far from the centre the candidates are."""
        limit = self.search_key.limit
        if len(chord2) > limit + 1:
            last = float(np.partition(chord2, limit)[limit])
            self.reach_m = min(self.reach_m, metres_of(last) + 2 * self.spread_m)

    def _set_candidates(self, rows: Sequence[IndexedBarber], vectors: Floats, indexes: NDArray[np.intp]) -> None:
        near = vectors[:, indexes]
        if len(indexes) <= _MAX_COMPARED_CANDIDATES:
            needed = _candidate_mask(near, _corners(*self.index, self.level), self.search_key.limit)
            near, indexes = near[:, needed], indexes[needed]
        self.barbers = [rows[index] for index in indexes.tolist()]
        if len(self.barbers) > _MIN_SPLIT_CANDIDATES + 3 * self.search_key.limit and self.level + 1 < len(
            _TILES_PER_DEGREE
        ):
            self.vectors = near
        else:
            self.points = near.T.tobytes()

    def render_page(self, point: Vector) -> bytes:
        """The answer from a point of the square, as `NearbyPage` in JSON."""
        limit = self.search_key.limit
        x, y, z = point
        # Added up from left to right as in `chords2`, so that the figures are the same to the last bit.
        chord2 = [(e := a - x) * e + (f := b - y) * f + (g := c - z) * g for a, b, c in _iter_points(self.points)]
        # Sorting is stable and leaves ties in the order of their ids.
        order = sorted(range(len(chord2)), key=chord2.__getitem__)[: limit + 1]
        while order and chord2[order[-1]] > self.max_chord2:
            order.pop()
        more = len(order) > limit
        if more:
            order.pop()
        rows = [self.barbers[index] for index in order]
        nearest = [chord2[index] for index in order]
        return encode_page(rows, nearest, CursorPosition(nearest[-1], nearest[-1], rows[-1].id) if more else None)

    def replace(self, row: IndexedBarber) -> None:
        """Take over a change that left a barber's place as it was."""
        index = bisect_left(self.barbers, row.id, key=barber_id_of)
        if index < len(self.barbers) and self.barbers[index].id == row.id:
            self.barbers[index] = row
            for child in self.children.values():
                child.replace(row)

    def affects(self, row: IndexedBarber) -> bool:
        return distance_m(self.centre, row.vector) <= self.reach_m

    @property
    def size_bytes(self) -> int:
        """In bytes, without its children."""
        return _TILE_BYTES + _CANDIDATE_BYTES * len(self.barbers)

    def total_bytes(self) -> int:
        return self.size_bytes + sum(child.total_bytes() for child in self.children.values())


def _by_distance(array: tuple[float, BarberArray]) -> float:
    return array[0]


def tile_circle(latitude: float, longitude: float, radius_m: float) -> tuple[float, float, float]:
    """The circle that holds all circles of a radius around the points of a largest square; also in degrees and metres.

    What a tile of the square is made from must reach so far.
    """
    row, column = tile_index(latitude, longitude)
    (south, north), (west, east) = _edges(row, column, 0)
    _, spread_m = _centre_and_spread(row, column, 0)
    return (south + north) / 2, (west + east) / 2, radius_m + spread_m


def _edges(row: int, column: int, level: int) -> tuple[tuple[float, float], tuple[float, float]]:
    per_degree = _TILES_PER_DEGREE[level]
    south, west = row / per_degree - 90, column / per_degree - 180
    return (south, min(south + 1 / per_degree, 90.0)), (west, west + 1 / per_degree)


@lru_cache(maxsize=1_000)
def _centre_and_spread(row: int, column: int, level: int) -> tuple[Vector, float]:
    """A square's centre, and how far its farthest corner is from there, in metres."""
    latitudes, longitudes = _edges(row, column, level)
    centre = unit_vector(sum(latitudes) / 2, sum(longitudes) / 2)
    corners = [unit_vector(latitude, longitude) for latitude in latitudes for longitude in longitudes]
    return centre, max(distance_m(centre, corner) for corner in corners) + _ROUNDING_M


def _corners(row: int, column: int, level: int) -> list[Vector]:
    """Of a square that is a little larger, because a parallel and the great circle between its ends are not the same.

    They are farthest apart on the largest squares, by 8 cm, where this adds 28 m.
    """
    (south, north), (west, east) = _edges(row, column, level)
    more = (east - west) / 100
    latitudes = max(south - more, -90.0), min(north + more, 90.0)
    return [unit_vector(latitude, longitude) for latitude in latitudes for longitude in (west - more, east + more)]


def _candidate_mask(vectors: Floats, corners: Sequence[Vector], limit: int) -> NDArray[np.bool_]:
    """Who is not surely behind more than `limit` others, wherever one stands between the corners.

    To be nearer is to be on one side of a plane through the centre of the earth; so if all corners are, all between
    them is.
    """
    chord2 = np.array([chords2(vectors, corner) for corner in corners])
    nearer = (chord2[:, :, np.newaxis] + _ROUNDING_CHORD2 < chord2[:, np.newaxis, :]).all(axis=0)
    needed: NDArray[np.bool_] = nearer.sum(axis=0) <= limit
    return needed


class TileCache:
    """The tiles that were made of late, the oldest given up first. Called by the cells, which see every change."""

    def __init__(self, cells: CellCache, changes: BarberChangeFeed, memory_bytes: int) -> None:
        self._cells, self._memory_bytes = cells, memory_bytes
        self._tiles: dict[TileKey, Tile] = {}
        self._cell_groups: dict[bytes, CellGroup] = {}
        self._groups_by_cell: defaultdict[int, set[CellGroup]] = defaultdict(set)
        self._bytes = 0
        cells.set_listener(self.on_row_changed)
        changes.subscribe(self)

    def find_page(self, latitude: float, longitude: float, question: SearchKey) -> bytes | None:
        """The answer, or None where no tile can give it."""
        north, east = latitude + 90, longitude + 180
        tile = self._tiles.get((int(north * _TILES_PER_DEGREE[0]), int(east * _TILES_PER_DEGREE[0]), question))
        if tile is None:
            return None
        now = time.time()
        if tile.check_at < now:
            tile.check_at, tile.valid_until = self._cells.revalidate(tile.cell_group.cells)
        if tile.valid_until < now:
            return None
        made = 0
        while tile.vectors is not None:
            per_degree = _TILES_PER_DEGREE[tile.level + 1]
            square = int(north * per_degree), int(east * per_degree)
            child = tile.children.get(square)
            if child is None:
                child = tile.add_child(*square)
                made += child.size_bytes
            tile = child
        if made:
            self._add_bytes(made)
        return tile.render_page(unit_vector(latitude, longitude))

    def build(self, latitude: float, longitude: float, question: SearchKey, cells: Mapping[int, Cell]) -> None:
        """A tile of the square around a point from fresh cells; one that is kept has missed nothing and stays."""
        key = (*tile_index(latitude, longitude), question)
        tile = self._tiles.get(key)
        if tile is None:
            middle, _ = _centre_and_spread(key[0], key[1], 0)
            arrays = (
                (distance_m(middle, centre_of(number)) - CELL_REACH_M, cell.array) for number, cell in cells.items()
            )
            tile = self._tiles[key] = Tile.from_arrays(key, arrays)
            tile.cell_group = self._cell_group_of(cells)
            tile.cell_group.tile_keys.add(key)
            self._add_bytes(tile.size_bytes)
        tile.check_at, tile.valid_until = self._cells.revalidate(tile.cell_group.cells)

    def on_row_changed(self, cell: int, old: IndexedBarber | None, new: IndexedBarber | None) -> None:
        """A row of a cell came, went or changed; without either the cell itself is not held any more."""
        for key in [key for area in self._groups_by_cell.get(cell, ()) for key in area.tile_keys]:
            tile = self._tiles[key]
            if old and new and old.vector == new.vector and tile.search_key.filters == _NO_FILTERS:
                tile.replace(new)
            elif not (old or new) or any(tile.affects(row) for row in (old, new) if row):
                self._evict(key)

    def _cell_group_of(self, cells: Iterable[int]) -> CellGroup:
        new = CellGroup(cells)
        area = self._cell_groups.setdefault(new.cells.tobytes(), new)
        if area is new:
            self._bytes += area.size_bytes
            for number in area.cells:
                self._groups_by_cell[number].add(area)
        return area

    def _add_bytes(self, more: int) -> None:
        self._bytes += more
        while self._bytes > self._memory_bytes and self._tiles:
            self._evict(next(iter(self._tiles)))

    def _evict(self, key: TileKey) -> None:
        tile = self._tiles.pop(key)
        self._bytes -= tile.total_bytes()
        tile.cell_group.tile_keys.discard(key)
        if not tile.cell_group.tile_keys:
            self._remove_cell_group(tile.cell_group)

    def _remove_cell_group(self, area: CellGroup) -> None:
        del self._cell_groups[area.cells.tobytes()]
        self._bytes -= area.size_bytes
        for number in area.cells:
            self._groups_by_cell[number].discard(area)
            if not self._groups_by_cell[number]:
                del self._groups_by_cell[number]

    def on_change(self, _change: BarberChange) -> None:
        """The cells say what it touches."""

    def on_gap(self) -> None:
        self._tiles.clear()
        self._cell_groups.clear()
        self._groups_by_cell.clear()
        self._bytes = 0
