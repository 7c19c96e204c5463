"""The search itself: a array and a question in, places in the order asked for out. No I/O."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from grome.common.geo import Vector, chord2_of
from grome.nearby.barber_array import CHEAPEST, HOUSE_CALL, NO_PRICE, ONLINE, RATING, BarberArray, IndexedBarber
from grome.nearby.h3_cells import Floats, chords2
from grome.nearby.models import CursorPosition, Filters, Sort

_Mask = NDArray[np.bool_]
# Below so many rows a full sort is as fast as finding the first few.
_PARTITION_MIN_BARBERS: Final = 256


class Match(Struct, frozen=True):
    barber: IndexedBarber
    position: CursorPosition


def search(
    array: BarberArray,
    point: Vector,
    radius_m: float,
    filters: Filters,
    sort: Sort,
    after: CursorPosition | None,
    limit: int,
) -> list[Match]:
    """The first `limit` rows after a place. Ties go by distance and then by id."""
    chord2 = chords2(array.vectors, point)
    inside = np.flatnonzero((chord2 <= chord2_of(radius_m)) & filter_mask(array, chord2, filters))
    chord2, ids = chord2[inside], array.ids[:, inside]
    key = _sort_keys(array, inside, chord2, filters.service_ids, sort)
    if after:
        beyond = _after_mask(key, chord2, ids, after)
        inside, chord2, key, ids = inside[beyond], chord2[beyond], key[beyond], ids[:, beyond]
    if len(inside) > max(limit, _PARTITION_MIN_BARBERS):
        first = key <= np.partition(key, limit)[limit]
        inside, chord2, key, ids = inside[first], chord2[first], key[first], ids[:, first]
    order = np.lexsort((ids[1], ids[0], chord2, key))[:limit]
    rows = [array.barbers[index] for index in inside[order].tolist()]
    places = zip(key[order].tolist(), chord2[order].tolist(), strict=True)
    return [
        Match(row, CursorPosition(first_key, square, row.id))
        for row, (first_key, square) in zip(rows, places, strict=True)
    ]


def filter_mask(array: BarberArray, chord2: Floats, filters: Filters) -> _Mask:
    """Which rows are as wanted, whatever their distance; house calls are offered up to a distance, though."""
    numbers = array.numbers
    passes: _Mask = np.ones(len(array.barbers), dtype=np.bool_)
    if filters.online is not None:
        passes &= numbers[ONLINE] == filters.online
    if filters.rating_min is not None:
        passes &= numbers[RATING] >= filters.rating_min
    if filters.house_calls is not None:
        passes &= (chord2 <= numbers[HOUSE_CALL]) == filters.house_calls
    if filters.price_max is not None:
        passes &= numbers[CHEAPEST] <= filters.price_max
    if filters.service_ids:
        # Less than the price of what is not offered, and more than that of everything together.
        dearest = NO_PRICE - 1 if filters.price_max is None else filters.price_max
        for index in np.flatnonzero(passes).tolist():
            prices = array.barbers[index].prices
            passes[index] = sum(prices.get(one, NO_PRICE) for one in filters.service_ids) <= dearest
    return passes


def _sort_keys(
    array: BarberArray, inside: NDArray[np.intp], chord2: Floats, service_ids: Sequence[UUID], sort: Sort
) -> Floats:
    if sort == "distance":
        return chord2
    if sort == "price" and service_ids:
        prices = (array.barbers[index].prices for index in inside.tolist())
        return np.array([sum(offered[one] for one in service_ids) for offered in prices], dtype=np.float64)
    key: Floats = array.numbers[CHEAPEST if sort == "price" else RATING, inside]
    return key if sort == "price" else -key


def _after_mask(key: Floats, chord2: Floats, ids: NDArray[np.uint64], after: CursorPosition) -> _Mask:
    high, low = np.uint64(after.id.int >> 64), np.uint64(after.id.int & 0xFFFF_FFFF_FFFF_FFFF)
    later_id = (ids[0] > high) | ((ids[0] == high) & (ids[1] > low))
    same_key, same_chord = key == after.key, chord2 == after.chord2
    beyond: _Mask = (key > after.key) | (same_key & ((chord2 > after.chord2) | (same_chord & later_id)))
    return beyond
