"""Answers made at once: the few barbers who can be among the nearest from anywhere in a square of the map.

Let c be the square's centre, s the distance from it to a corner, and d the distance from c to the k-th nearest barber.
From any point of the square at least k barbers lie within d + s, so none of its k nearest is farther from c than
d + 2s. These candidates are kept for the square; an answer measures from the true point to each of them. Where they are
many, the square is cut into smaller ones, each of which needs but some of its parent's candidates.

What changes farther from c than the candidates reach cannot change an answer. Of what changes nearer, most leaves the
barber's place as it is, and is put into the views that hold the barber; other changes end the view.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from grome.barbers.changes import BarberChange, BarberChanges
from grome.nearby.answers import page_of
from grome.nearby.cells import Cell, Cells
from grome.nearby.geometry import (
    CELL_REACH_M,
    Vector,
    centre_of,
    chord2_of,
    chords2,
    distance_m,
    metres_of,
    unit_vector,
)
from grome.nearby.models import Narrowing, Place, Question
from grome.nearby.rows import Crowd, Row, by_id
from grome.nearby.search import passing

# Squares per degree, level by level: from 2.8 km to 43 m from south to north.
_LEVELS: Final = (40, 160, 640, 2560)
_KEPT: Final = 6_000  # of all levels together, about 3 kB each
_ROUNDING_M: Final = 0.01
# As many and four times the limit, and a smaller square is worth being made: some twenty answers pay for it.
_CROWD: Final = 200
_NOTHING: Final = Narrowing()

Key = tuple[int, int, Question]


def square_of(latitude: float, longitude: float) -> tuple[int, int]:
    """The largest square around a point, by its row from the south and its column from the west."""
    return int((latitude + 90) * _LEVELS[0]), int((longitude + 180) * _LEVELS[0])


class View:
    """The candidates of a square, `crowd`, in the order of their ids; `reach_m` how far from `centre` a change matters.

    A largest square's view answers `until` the cells that they come from are too old, and from `ask_at` on it is asked
    whether they have been renewed (Unix seconds).
    """

    __slots__ = (
        "ask_at", "cells", "centre", "children", "crowd", "farthest", "is_crowded", "level", "question", "reach_m",
        "spread_m", "until", "vectors",
    )  # fmt: skip

    def __init__(self, key: Key, level: int, crowds: Iterable[tuple[float, Crowd]]) -> None:
        """From crowds, each with how near to the square's centre it can have somebody, in metres."""
        row, column, self.question = key
        self.level = level
        self.centre, self.spread_m = _middle(row, column, level)
        self.children: dict[tuple[int, int], View] = {}
        self.cells: Sequence[int] = ()
        self.ask_at = self.until = 0.0
        self.reach_m = self.question.radius_m + self.spread_m
        self.crowd = self._candidates(crowds)
        self.vectors, self.farthest = self.crowd.vectors.copy(), chord2_of(self.question.radius_m)
        self.is_crowded = len(self.crowd.rows) > _CROWD + 4 * self.question.limit and level + 1 < len(_LEVELS)

    def _candidates(self, crowds: Iterable[tuple[float, Crowd]]) -> Crowd:
        """The nearest crowds first: once they have k, only who is within reach of the k-th is looked for."""
        found: list[Crowd] = []
        chord2 = np.empty(0)
        limit = self.question.limit
        for least_m, crowd in sorted(crowds, key=_by_distance):
            if least_m > self.reach_m:
                break
            apart = chords2(crowd.vectors, self.centre)
            inside = apart <= chord2_of(self.reach_m)
            if self.question.narrowing != _NOTHING:
                inside &= passing(crowd, apart, self.question.narrowing)
            indexes = np.flatnonzero(inside)
            found.append(crowd.taken(indexes))
            chord2 = np.concatenate([chord2, apart[indexes]])
            if len(chord2) > limit + 1:
                last = float(np.partition(chord2, limit)[limit])
                self.reach_m = min(self.reach_m, metres_of(last) + 2 * self.spread_m)
        everybody = Crowd.joined(found)
        near = np.flatnonzero(chord2 <= chord2_of(self.reach_m))
        ids = everybody.ids[:, near]
        return everybody.taken(near[np.lexsort((ids[1], ids[0]))])

    def page(self, point: Vector) -> bytes:
        """The answer from a point of the square, as `NearbyPage` in JSON."""
        limit = self.question.limit
        chord2 = chords2(self.vectors, point)
        order = chord2.argsort(kind="stable")[: limit + 1]  # a stable sort leaves ties in the order of their ids
        nearest = chord2[order].tolist()
        farthest = self.farthest
        while nearest and nearest[-1] > farthest:
            nearest.pop()
        everybody = self.crowd.rows
        if len(nearest) <= limit:
            return page_of([everybody[index] for index in order[: len(nearest)].tolist()], nearest, None)
        nearest.pop()
        rows = [everybody[index] for index in order[:limit].tolist()]
        return page_of(rows, nearest, Place(nearest[-1], nearest[-1], rows[-1].id))

    def replace(self, row: Row) -> None:
        """Take over a change that left a barber's place as it was."""
        rows = self.crowd.rows
        index = bisect_left(rows, row.id, key=by_id)
        if index < len(rows) and rows[index].id == row.id:
            rows[index] = row
            self.crowd.numbers[:, index] = row.numbers
            for child in self.children.values():
                child.replace(row)

    def reaches(self, row: Row) -> bool:
        return distance_m(self.centre, row.vector) <= self.reach_m

    def size(self) -> int:
        return 1 + sum(child.size() for child in self.children.values())


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


@lru_cache(maxsize=_KEPT)
def _middle(row: int, column: int, level: int) -> tuple[Vector, float]:
    """A square's centre, and how far its farthest corner is from there, in metres."""
    latitudes, longitudes = _edges(row, column, level)
    centre = unit_vector(sum(latitudes) / 2, sum(longitudes) / 2)
    corners = [unit_vector(latitude, longitude) for latitude in latitudes for longitude in longitudes]
    return centre, max(distance_m(centre, corner) for corner in corners) + _ROUNDING_M


class Views:
    """The views that were made of late, the oldest given up first. Called by the cells, which see every change."""

    def __init__(self, cells: Cells, changes: BarberChanges) -> None:
        self._cells = cells
        self._largest: dict[Key, View] = {}
        self._over: defaultdict[int, set[Key]] = defaultdict(set)
        self._size = 0
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
            view.ask_at, view.until = self._cells.renew(view.cells)
        if view.until < now:
            return None
        while view.is_crowded:
            per_degree = _LEVELS[view.level + 1]
            view = self._child(view, (int(north * per_degree), int(east * per_degree)))
        return view.page(unit_vector(latitude, longitude))

    def _child(self, view: View, square: tuple[int, int]) -> View:
        child = view.children.get(square)
        if child is None:
            child = View((*square, view.question), view.level + 1, [(0.0, view.crowd)])
            view.children[square] = child
            self._count(1)
        return child

    def make(self, latitude: float, longitude: float, question: Question, cells: Mapping[int, Cell]) -> None:
        """A view of the square around a point from fresh cells; one that is kept has missed nothing and stays."""
        key = (*square_of(latitude, longitude), question)
        view = self._largest.get(key)
        if view is None:
            middle, _ = _middle(key[0], key[1], 0)
            crowds = (
                (distance_m(middle, centre_of(number)) - CELL_REACH_M, cell.crowd) for number, cell in cells.items()
            )
            view = self._largest[key] = View(key, 0, crowds)
            view.cells = tuple(cells)
            for number in view.cells:
                self._over[number].add(key)
            self._count(1)
        view.ask_at, view.until = self._cells.renew(view.cells)

    def touched(self, cell: int, old: Row | None, new: Row | None) -> None:
        """A row of a cell came, went or changed; without either the cell itself is not held any more."""
        for key in tuple(self._over.get(cell, ())):
            view = self._largest[key]
            if old and new and old.vector == new.vector and view.question.narrowing == _NOTHING:
                view.replace(new)
            elif not (old or new) or any(view.reaches(row) for row in (old, new) if row):
                self._forget(key)

    def _count(self, more: int) -> None:
        self._size += more
        while self._size > _KEPT:
            self._forget(next(iter(self._largest)))

    def _forget(self, key: Key) -> None:
        view = self._largest.pop(key)
        self._size -= view.size()
        for number in view.cells:
            self._over[number].discard(key)
            if not self._over[number]:
                del self._over[number]

    def changed(self, _change: BarberChange) -> None:
        """The cells say what it touches."""

    def missed(self) -> None:
        self._largest.clear()
        self._over.clear()
        self._size = 0
