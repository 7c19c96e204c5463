"""Answers made at once: the few barbers who can be among the nearest from anywhere in a square of the map.

Let c be the square's centre, s the distance from it to a corner, and d the distance from c to the k-th nearest barber.
From any point of the square at least k barbers lie within d + s, so none of its k nearest is farther from c than
d + 2s. Who is nearer than another from all four corners is so from all points between them; of these candidates, those
are left out who have k such others before them. The rest is kept for the square; an answer measures from the true point
to each. Where they are many, the square is cut into smaller ones, each of which needs but some of its parent's.

What changes farther from c than the candidates reach cannot change an answer. Of what changes nearer, most leaves the
barber's place as it is, and is put into the views that hold the barber; other changes end the view.
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

from grome.barbers.change_feed import BarberChange, BarberChanges
from grome.common.geo import Vector, chord2_of, distance_m, metres_of, unit_vector
from grome.nearby.barber_array import Crowd, Row, by_id
from grome.nearby.cell_cache import Cell, Cells
from grome.nearby.h3_cells import CELL_REACH_M, Floats, centre_of, chords2
from grome.nearby.memory_search import passing
from grome.nearby.models import Narrowing, Place, Question
from grome.nearby.page_json import page_of

# Squares per degree, level by level: from 2.8 km to 43 m from south to north.
_LEVELS: Final = (40, 160, 640, 2560)
_ROUNDING_M: Final = 0.01
_ROUNDING_CHORD2: Final = 1e-16  # far more than rounding makes of one of 50 km
# To compare all with all takes the square of their number in time.
_COMPARED: Final = 400
# As many and three times the limit, and a smaller square is worth being made.
_FEW: Final = 100
# The memory of a view, measured: objects and dictionary entries; for each candidate a reference and three numbers.
_VIEW_BYTES: Final = 1_200
_CANDIDATE_BYTES: Final = 34
# A circle of 50 km touches some 300 cells: each takes its number, and an entry in a set that can be five sixths empty.
_AREA_BYTES: Final = 700
_CELL_OF_AREA_BYTES: Final = 116
_NOTHING: Final = Narrowing()
_each_point: Final = Struct("3d").iter_unpack

Key = tuple[int, int, Question]


def square_of(latitude: float, longitude: float) -> tuple[int, int]:
    """The largest square around a point, by its row from the south and its column from the west."""
    return int((latitude + 90) * _LEVELS[0]), int((longitude + 180) * _LEVELS[0])


class Area:
    """The cells that views are made from, and the keys of those views: the same for all radii within a kilometre."""

    __slots__ = ("cells", "keys")

    def __init__(self, cells: Iterable[int]) -> None:
        self.cells = array("Q", cells)  # the numbers themselves, where a tuple would hold 300 objects
        self.keys: set[Key] = set()

    @property
    def weight(self) -> int:
        """In bytes, without its views."""
        return _AREA_BYTES + _CELL_OF_AREA_BYTES * len(self.cells)


_NOWHERE: Final = Area(())


class View:
    """The candidates of a square, in the order of their ids; `reach_m` is how far from `centre` a change matters.

    A view has either `vectors`, an array of 3 by n, because it is crowded and smaller squares inside it are worth being
    made; or `points`, the same number after number: for a few of them plain Python takes half of NumPy's time, if they
    lie side by side in memory.

    A largest square's view answers `until` the cells that they come from are too old, and from `ask_at` on it is asked
    whether they have been renewed (Unix seconds).
    """

    __slots__ = (
        "area", "ask_at", "centre", "children", "farthest", "level", "points", "question", "reach_m", "rows",
        "spread_m", "square", "until", "vectors",
    )  # fmt: skip

    def __init__(self, key: Key, level: int) -> None:
        row, column, self.question = key
        self.level = level
        self.centre, self.spread_m = _middle(row, column, level)
        self.square = row, column
        self.reach_m = self.question.radius_m + self.spread_m
        self.farthest = chord2_of(self.question.radius_m)
        self.area = _NOWHERE
        self.ask_at = self.until = 0.0
        self.children: dict[tuple[int, int], View] = {}
        self.rows: list[Row] = []
        self.points = b""
        self.vectors: Floats | None = None

    @classmethod
    def of(cls, key: Key, crowds: Iterable[tuple[float, Crowd]]) -> Self:
        """Of a largest square, from crowds, each with how near to its centre it can have somebody, in metres.

        The nearest crowds first: once they have k, only who is within reach of the k-th is looked for.
        """
        view = cls(key, 0)
        found: list[Crowd] = []
        chord2 = np.empty(0)
        for least_m, crowd in sorted(crowds, key=_by_distance):
            if least_m > view.reach_m:
                break
            apart = chords2(crowd.vectors, view.centre)
            inside = apart <= chord2_of(view.reach_m)
            if view.question.narrowing != _NOTHING:
                inside &= passing(crowd, apart, view.question.narrowing)
            indexes = np.flatnonzero(inside)
            found.append(crowd.taken(indexes))
            chord2 = np.concatenate([chord2, apart[indexes]])
            view._reach_for(chord2)
        everybody = Crowd.joined(found)
        near = np.flatnonzero(chord2 <= chord2_of(view.reach_m))
        ids = everybody.ids[:, near]
        view._take(everybody.rows, everybody.vectors, near[np.lexsort((ids[1], ids[0]))])
        return view

    def child(self, row: int, column: int) -> "View":
        """Of a smaller square inside this crowded one."""
        child = View((row, column, self.question), self.level + 1)
        assert self.vectors is not None  # noqa: S101 -- it is crowded
        chord2 = chords2(self.vectors, child.centre)
        child._reach_for(chord2)
        child._take(self.rows, self.vectors, np.flatnonzero(chord2 <= chord2_of(child.reach_m)))
        self.children[row, column] = child
        return child

    def _reach_for(self, chord2: Floats) -> None:
        """Nobody farther can be among the nearest, given how far from the centre the candidates are."""
        limit = self.question.limit
        if len(chord2) > limit + 1:
            last = float(np.partition(chord2, limit)[limit])
            self.reach_m = min(self.reach_m, metres_of(last) + 2 * self.spread_m)

    def _take(self, rows: Sequence[Row], vectors: Floats, indexes: NDArray[np.intp]) -> None:
        near = vectors[:, indexes]
        if len(indexes) <= _COMPARED:
            needed = _needed(near, _corners(*self.square, self.level), self.question.limit)
            near, indexes = near[:, needed], indexes[needed]
        self.rows = [rows[index] for index in indexes.tolist()]
        if len(self.rows) > _FEW + 3 * self.question.limit and self.level + 1 < len(_LEVELS):
            self.vectors = near
        else:
            self.points = near.T.tobytes()

    def page(self, point: Vector) -> bytes:
        """The answer from a point of the square, as `NearbyPage` in JSON."""
        limit = self.question.limit
        x, y, z = point
        # Added up from left to right as in `chords2`, so that the figures are the same to the last bit.
        chord2 = [(e := a - x) * e + (f := b - y) * f + (g := c - z) * g for a, b, c in _each_point(self.points)]
        # Sorting is stable and leaves ties in the order of their ids.
        order = sorted(range(len(chord2)), key=chord2.__getitem__)[: limit + 1]
        while order and chord2[order[-1]] > self.farthest:
            order.pop()
        more = len(order) > limit
        if more:
            order.pop()
        rows = [self.rows[index] for index in order]
        nearest = [chord2[index] for index in order]
        return page_of(rows, nearest, Place(nearest[-1], nearest[-1], rows[-1].id) if more else None)

    def replace(self, row: Row) -> None:
        """Take over a change that left a barber's place as it was."""
        index = bisect_left(self.rows, row.id, key=by_id)
        if index < len(self.rows) and self.rows[index].id == row.id:
            self.rows[index] = row
            for child in self.children.values():
                child.replace(row)

    def reaches(self, row: Row) -> bool:
        return distance_m(self.centre, row.vector) <= self.reach_m

    @property
    def weight(self) -> int:
        """In bytes, without its children."""
        return _VIEW_BYTES + _CANDIDATE_BYTES * len(self.rows)

    def whole_weight(self) -> int:
        return self.weight + sum(child.whole_weight() for child in self.children.values())


def _by_distance(crowd: tuple[float, Crowd]) -> float:
    return crowd[0]


def around(latitude: float, longitude: float, radius_m: float) -> tuple[float, float, float]:
    """The circle that holds all circles of a radius around the points of a largest square; also in degrees and metres.

    What a view of the square is made from must reach so far.
    """
    row, column = square_of(latitude, longitude)
    (south, north), (west, east) = _edges(row, column, 0)
    _, spread_m = _middle(row, column, 0)
    return (south + north) / 2, (west + east) / 2, radius_m + spread_m


def _edges(row: int, column: int, level: int) -> tuple[tuple[float, float], tuple[float, float]]:
    per_degree = _LEVELS[level]
    south, west = row / per_degree - 90, column / per_degree - 180
    return (south, min(south + 1 / per_degree, 90.0)), (west, west + 1 / per_degree)


@lru_cache(maxsize=1_000)
def _middle(row: int, column: int, level: int) -> tuple[Vector, float]:
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


def _needed(vectors: Floats, corners: Sequence[Vector], limit: int) -> NDArray[np.bool_]:
    """Who is not surely behind more than `limit` others, wherever one stands between the corners.

    To be nearer is to be on one side of a plane through the centre of the earth; so if all corners are, all between
    them is.
    """
    chord2 = np.array([chords2(vectors, corner) for corner in corners])
    nearer = (chord2[:, :, np.newaxis] + _ROUNDING_CHORD2 < chord2[:, np.newaxis, :]).all(axis=0)
    needed: NDArray[np.bool_] = nearer.sum(axis=0) <= limit
    return needed


class Views:
    """The views that were made of late, the oldest given up first. Called by the cells, which see every change."""

    def __init__(self, cells: Cells, changes: BarberChanges, memory_bytes: int) -> None:
        self._cells, self._memory_bytes = cells, memory_bytes
        self._largest: dict[Key, View] = {}
        self._areas: dict[bytes, Area] = {}
        self._over: defaultdict[int, set[Area]] = defaultdict(set)
        self._weight = 0
        cells.watch(self.touched)
        changes.add(self)

    def page(self, latitude: float, longitude: float, question: Question) -> bytes | None:
        """The answer, or None where no view can give it."""
        north, east = latitude + 90, longitude + 180
        view = self._largest.get((int(north * _LEVELS[0]), int(east * _LEVELS[0]), question))
        if view is None:
            return None
        now = time.time()
        if view.ask_at < now:
            view.ask_at, view.until = self._cells.renew(view.area.cells)
        if view.until < now:
            return None
        made = 0
        while view.vectors is not None:
            per_degree = _LEVELS[view.level + 1]
            square = int(north * per_degree), int(east * per_degree)
            child = view.children.get(square)
            if child is None:
                child = view.child(*square)
                made += child.weight
            view = child
        if made:
            self._weigh(made)
        return view.page(unit_vector(latitude, longitude))

    def make(self, latitude: float, longitude: float, question: Question, cells: Mapping[int, Cell]) -> None:
        """A view of the square around a point from fresh cells; one that is kept has missed nothing and stays."""
        key = (*square_of(latitude, longitude), question)
        view = self._largest.get(key)
        if view is None:
            middle, _ = _middle(key[0], key[1], 0)
            crowds = (
                (distance_m(middle, centre_of(number)) - CELL_REACH_M, cell.crowd) for number, cell in cells.items()
            )
            view = self._largest[key] = View.of(key, crowds)
            view.area = self._area_of(cells)
            view.area.keys.add(key)
            self._weigh(view.weight)
        view.ask_at, view.until = self._cells.renew(view.area.cells)

    def touched(self, cell: int, old: Row | None, new: Row | None) -> None:
        """A row of a cell came, went or changed; without either the cell itself is not held any more."""
        for key in [key for area in self._over.get(cell, ()) for key in area.keys]:
            view = self._largest[key]
            if old and new and old.vector == new.vector and view.question.narrowing == _NOTHING:
                view.replace(new)
            elif not (old or new) or any(view.reaches(row) for row in (old, new) if row):
                self._forget(key)

    def _area_of(self, cells: Iterable[int]) -> Area:
        new = Area(cells)
        area = self._areas.setdefault(new.cells.tobytes(), new)
        if area is new:
            self._weight += area.weight
            for number in area.cells:
                self._over[number].add(area)
        return area

    def _weigh(self, more: int) -> None:
        self._weight += more
        while self._weight > self._memory_bytes and self._largest:
            self._forget(next(iter(self._largest)))

    def _forget(self, key: Key) -> None:
        view = self._largest.pop(key)
        self._weight -= view.whole_weight()
        view.area.keys.discard(key)
        if not view.area.keys:
            self._forget_area(view.area)

    def _forget_area(self, area: Area) -> None:
        del self._areas[area.cells.tobytes()]
        self._weight -= area.weight
        for number in area.cells:
            self._over[number].discard(area)
            if not self._over[number]:
                del self._over[number]

    def changed(self, _change: BarberChange) -> None:
        """The cells say what it touches."""

    def missed(self) -> None:
        self._largest.clear()
        self._areas.clear()
        self._over.clear()
        self._weight = 0
