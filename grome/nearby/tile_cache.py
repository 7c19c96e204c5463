"""Cache tiles: squares of the map with the few barbers that can be nearest to a point of the square.

Let c be the centre of the square, s the distance from c to a corner, and d the distance from c to the k-th nearest
barber. From any point of the square at least k barbers lie within d + s, so none of its k nearest is farther from c
than d + 2s. A barber that is nearer than another from all four corners is nearer from all points between them; a
candidate with k such barbers before it is left out. The rest is kept for the square, and each page measures from the
true point to each candidate. A square with many candidates is divided into smaller squares, each of which needs some of
its parent's.

A change farther from c than the candidates reach cannot change a page. A nearer change that leaves the barber's place
as it is, as most do, is put into the tiles that hold the barber; any other change evicts the tile.
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
from grome.infrastructure.telemetry.catalogue import NEARBY_EVICTED
from grome.nearby.barber_array import BarberArray, IndexedBarber, barber_id_of
from grome.nearby.cell_cache import Cell, CellCache
from grome.nearby.h3_cells import CELL_REACH_M, Floats, centre_of, chords2
from grome.nearby.memory_search import filter_mask
from grome.nearby.models import CursorPosition, Filters, SearchKey
from grome.nearby.page_json import encode_page

# By level: from 2.8 km to 43 m from south to north.
_TILES_PER_DEGREE: Final = (40, 160, 640, 2560)
_ROUNDING_M: Final = 0.01
_ROUNDING_CHORD2: Final = 1e-16  # far above the rounding error of a squared chord of 50 km
# To compare each candidate with each takes time by the square of their number.
_MAX_COMPARED_CANDIDATES: Final = 400
# A tile with so many candidates and three times the limit is worth being divided.
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
    """Return row from the south and column from the west of the largest square around a point."""
    return int((latitude + 90) * _TILES_PER_DEGREE[0]), int((longitude + 180) * _TILES_PER_DEGREE[0])


class CellGroup:
    """Groups the cells that tiles are built from; tiles of all radii within a kilometre share a group."""

    __slots__ = ("cells", "tile_keys")

    def __init__(self, cells: Iterable[int]) -> None:
        self.cells = array("Q", cells)  # the numbers themselves; a tuple would hold 300 objects
        self.tile_keys: set[TileKey] = set()

    @property
    def size_bytes(self) -> int:
        """Without the tiles."""
        return _CELL_GROUP_BYTES + _GROUPED_CELL_BYTES * len(self.cells)


_NO_CELLS: Final = CellGroup(())


class Tile:
    """Holds the candidates of a square, by id; `reach_m` is how far from `centre` a change can change a page.

    A crowded tile that is worth being divided has `vectors`, an array of 3 by n. Any other tile has `points`, the same
    numbers in a row: for a few candidates plain Python takes half of NumPy's time if they lie side by side in memory.

    A largest tile answers until `valid_until`, when its cells are stale. From `check_at` on it asks the cell cache
    whether they have been reloaded (Unix seconds).
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
        """Build a largest tile from arrays, each with the least distance from the centre to its barbers in metres.

        The nearest arrays come first: once k candidates are known, only barbers within reach of the k-th count.
        """
        tile = cls(key, 0)
        found: list[BarberArray] = []
        chord2 = np.empty(0)
        for least_m, barbers in sorted(arrays, key=_distance_of):
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
        candidates = BarberArray.concatenate(found)
        near = np.flatnonzero(chord2 <= chord2_of(tile.reach_m))
        ids = candidates.ids[:, near]
        tile._set_candidates(candidates.barbers, candidates.vectors, near[np.lexsort((ids[1], ids[0]))])
        return tile

    def add_child(self, row: int, column: int) -> "Tile":
        """Build the tile of a smaller square inside this crowded tile."""
        child = Tile((row, column, self.search_key), self.level + 1)
        assert self.vectors is not None  # noqa: S101 -- it is crowded
        chord2 = chords2(self.vectors, child.centre)
        child._shrink_reach(chord2)
        child._set_candidates(self.barbers, self.vectors, np.flatnonzero(chord2 <= chord2_of(child.reach_m)))
        self.children[row, column] = child
        return child

    def _shrink_reach(self, chord2: Floats) -> None:
        """Exclude barbers that are too far to be among the nearest, given the candidates' distances from the centre."""
        limit = self.search_key.limit
        if len(chord2) > limit + 1:
            last = float(np.partition(chord2, limit)[limit])
            self.reach_m = min(self.reach_m, metres_of(last) + 2 * self.spread_m)

    def _set_candidates(self, barbers: Sequence[IndexedBarber], vectors: Floats, indexes: NDArray[np.intp]) -> None:
        near = vectors[:, indexes]
        if len(indexes) <= _MAX_COMPARED_CANDIDATES:
            needed = _candidate_mask(near, _corners(*self.index, self.level), self.search_key.limit)
            near, indexes = near[:, needed], indexes[needed]
        self.barbers = [barbers[index] for index in indexes.tolist()]
        if len(self.barbers) > _MIN_SPLIT_CANDIDATES + 3 * self.search_key.limit and self.level + 1 < len(
            _TILES_PER_DEGREE
        ):
            self.vectors = near
        else:
            self.points = near.T.tobytes()

    def render_page(self, point: Vector) -> bytes:
        """Return the `NearbyPage` from a point of the square, in JSON."""
        limit = self.search_key.limit
        x, y, z = point
        # Added up from left to right as in `chords2`, so that the figures are the same to the last bit.
        chord2 = [(e := a - x) * e + (f := b - y) * f + (g := c - z) * g for a, b, c in _iter_points(self.points)]
        # Sorting is stable and leaves ties in the order of their ids.
        order = sorted(range(len(chord2)), key=chord2.__getitem__)[: limit + 1]
        while order and chord2[order[-1]] > self.max_chord2:
            order.pop()
        has_more = len(order) > limit
        if has_more:
            order.pop()
        barbers = [self.barbers[index] for index in order]
        nearest = [chord2[index] for index in order]
        last = CursorPosition(nearest[-1], nearest[-1], barbers[-1].id) if has_more else None
        return encode_page(barbers, nearest, last)

    def replace(self, barber: IndexedBarber) -> None:
        """Apply a change that left the barber's place as it was."""
        index = bisect_left(self.barbers, barber.id, key=barber_id_of)
        if index < len(self.barbers) and self.barbers[index].id == barber.id:
            self.barbers[index] = barber
            for child in self.children.values():
                child.replace(barber)

    def affects(self, barber: IndexedBarber) -> bool:
        """Return whether the barber is near enough to change a page."""
        return distance_m(self.centre, barber.vector) <= self.reach_m

    @property
    def size_bytes(self) -> int:
        """Without the children."""
        return _TILE_BYTES + _CANDIDATE_BYTES * len(self.barbers)

    def total_bytes(self) -> int:
        return self.size_bytes + sum(child.total_bytes() for child in self.children.values())


def _distance_of(array: tuple[float, BarberArray]) -> float:
    return array[0]


def tile_circle(latitude: float, longitude: float, radius_m: float) -> tuple[float, float, float]:
    """Return a circle that contains the circles of this radius around all points of a largest square.

    A tile of the square is built from all cells that the circle touches. In degrees and metres.
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
    """Return the centre of a square and the distance to its farthest corner, in metres."""
    latitudes, longitudes = _edges(row, column, level)
    centre = unit_vector(sum(latitudes) / 2, sum(longitudes) / 2)
    corners = [unit_vector(latitude, longitude) for latitude in latitudes for longitude in longitudes]
    return centre, max(distance_m(centre, corner) for corner in corners) + _ROUNDING_M


def _corners(row: int, column: int, level: int) -> list[Vector]:
    """Return the corners of a slightly larger square.

    A parallel and the great circle between its ends differ. On the largest squares they are up to 8 cm apart, where the
    margin is 28 m.
    """
    (south, north), (west, east) = _edges(row, column, level)
    margin = (east - west) / 100
    latitudes = max(south - margin, -90.0), min(north + margin, 90.0)
    return [unit_vector(latitude, longitude) for latitude in latitudes for longitude in (west - margin, east + margin)]


def _candidate_mask(vectors: Floats, corners: Sequence[Vector], limit: int) -> NDArray[np.bool_]:
    """Return the candidates that are not behind `limit` others from every point between the corners.

    The points that are nearer to one barber than to another lie on one side of a plane through the centre of the earth;
    if all corners are on that side, all points between them are.
    """
    chord2 = np.array([chords2(vectors, corner) for corner in corners])
    nearer = (chord2[:, :, np.newaxis] + _ROUNDING_CHORD2 < chord2[:, np.newaxis, :]).all(axis=0)
    needed: NDArray[np.bool_] = nearer.sum(axis=0) <= limit
    return needed


class TileCache:
    """Holds the tiles that were built last, up to `max_bytes`, and evicts the oldest tiles beyond it.

    The cell cache reports every change of a barber to `on_barber_changed`.
    """

    def __init__(self, cells: CellCache, changes: BarberChangeFeed, max_bytes: int) -> None:
        self._cells, self._max_bytes = cells, max_bytes
        self._tiles: dict[TileKey, Tile] = {}
        self._cell_groups: dict[bytes, CellGroup] = {}
        self._groups_by_cell: defaultdict[int, set[CellGroup]] = defaultdict(set)
        self._bytes = 0
        cells.set_listener(self.on_barber_changed)
        changes.subscribe(self)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._tiles)

    def find_page(self, latitude: float, longitude: float, search_key: SearchKey) -> bytes | None:
        """Return the first page in JSON; None if no valid tile covers the point."""
        north, east = latitude + 90, longitude + 180
        tile = self._tiles.get((int(north * _TILES_PER_DEGREE[0]), int(east * _TILES_PER_DEGREE[0]), search_key))
        if tile is None:
            return None
        now = time.time()
        if tile.check_at < now:
            tile.check_at, tile.valid_until = self._cells.revalidate(tile.cell_group.cells)
        if tile.valid_until < now:
            return None
        added_bytes = 0
        while tile.vectors is not None:
            per_degree = _TILES_PER_DEGREE[tile.level + 1]
            index = int(north * per_degree), int(east * per_degree)
            child = tile.children.get(index)
            if child is None:
                child = tile.add_child(*index)
                added_bytes += child.size_bytes
            tile = child
        if added_bytes:
            self._add_bytes(added_bytes)
        return tile.render_page(unit_vector(latitude, longitude))

    def build(self, latitude: float, longitude: float, search_key: SearchKey, cells: Mapping[int, Cell]) -> None:
        """Build the tile around a point from fresh cells. A cached tile has missed no change and stays."""
        key = (*tile_index(latitude, longitude), search_key)
        tile = self._tiles.get(key)
        if tile is None:
            centre, _ = _centre_and_spread(key[0], key[1], 0)
            arrays = (
                (distance_m(centre, centre_of(number)) - CELL_REACH_M, cell.array) for number, cell in cells.items()
            )
            tile = self._tiles[key] = Tile.from_arrays(key, arrays)
            tile.cell_group = self._cell_group_of(cells)
            tile.cell_group.tile_keys.add(key)
            self._add_bytes(tile.size_bytes)
        tile.check_at, tile.valid_until = self._cells.revalidate(tile.cell_group.cells)

    def on_barber_changed(self, cell: int, old: IndexedBarber | None, new: IndexedBarber | None) -> None:
        """Update or evict the tiles that a change affects; without `old` and `new`, the cell was evicted."""
        for key in [key for group in self._groups_by_cell.get(cell, ()) for key in group.tile_keys]:
            tile = self._tiles[key]
            if old and new and old.vector == new.vector and tile.search_key.filters == _NO_FILTERS:
                tile.replace(new)
            elif not (old or new) or any(tile.affects(barber) for barber in (old, new) if barber):
                self._evict(key)

    def _cell_group_of(self, cells: Iterable[int]) -> CellGroup:
        new = CellGroup(cells)
        group = self._cell_groups.setdefault(new.cells.tobytes(), new)
        if group is new:
            self._bytes += group.size_bytes
            for number in group.cells:
                self._groups_by_cell[number].add(group)
        return group

    def _add_bytes(self, added: int) -> None:
        self._bytes += added
        while self._bytes > self._max_bytes and self._tiles:
            self._evict(next(iter(self._tiles)))
            NEARBY_EVICTED.add("tiles")

    def _evict(self, key: TileKey) -> None:
        tile = self._tiles.pop(key)
        self._bytes -= tile.total_bytes()
        tile.cell_group.tile_keys.discard(key)
        if not tile.cell_group.tile_keys:
            self._remove_cell_group(tile.cell_group)

    def _remove_cell_group(self, group: CellGroup) -> None:
        del self._cell_groups[group.cells.tobytes()]
        self._bytes -= group.size_bytes
        for number in group.cells:
            self._groups_by_cell[number].discard(group)
            if not self._groups_by_cell[number]:
                del self._groups_by_cell[number]

    def on_change(self, _change: BarberChange) -> None:
        """Ignore the change: the cell cache reports its effect."""

    def on_gap(self) -> None:
        """Drop all tiles: changes may have been missed."""
        self._tiles.clear()
        self._cell_groups.clear()
        self._groups_by_cell.clear()
        self._bytes = 0
