"""Filter and sort the barbers of an array for a search. No I/O."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from grome.common.geo import chord2_of, unit_vector
from grome.nearby.barber_array import CHEAPEST, HOUSE_CALL, NO_PRICE, ONLINE, RATING, BarberArray, IndexedBarber
from grome.nearby.h3_cells import Floats, chords2
from grome.nearby.models import CursorPosition, Filters, Search, Sort

_Mask = NDArray[np.bool_]
# Of fewer barbers a full sort is as fast as a search for the first few.
_PARTITION_MIN_BARBERS: Final = 256


class Match(Struct, frozen=True):
    barber: IndexedBarber
    position: CursorPosition


def search_array(array: BarberArray, search: Search, limit: int, after: CursorPosition | None = None) -> list[Match]:
    """Return the first `limit` matches after a position, by default `search.after`.

    Ties are ordered by distance and then by id.
    """
    after = after or search.after
    chord2 = chords2(array.vectors, unit_vector(search.latitude, search.longitude))
    inside = np.flatnonzero((chord2 <= chord2_of(search.radius_m)) & filter_mask(array, chord2, search.filters))
    chord2, ids = chord2[inside], array.ids[:, inside]
    key = _sort_keys(array, inside, chord2, search.filters.service_ids, search.sort)
    if after:
        later = _after_mask(key, chord2, ids, after)
        inside, chord2, key, ids = inside[later], chord2[later], key[later], ids[:, later]
    if len(inside) > max(limit, _PARTITION_MIN_BARBERS):
        first = key <= np.partition(key, limit)[limit]
        inside, chord2, key, ids = inside[first], chord2[first], key[first], ids[:, first]
    order = np.lexsort((ids[1], ids[0], chord2, key))[:limit]
    barbers = [array.barbers[index] for index in inside[order].tolist()]
    return [
        Match(barber, CursorPosition(sort_key, square, barber.id))
        for barber, sort_key, square in zip(barbers, key[order].tolist(), chord2[order].tolist(), strict=True)
    ]


def filter_mask(array: BarberArray, chord2: Floats, filters: Filters) -> _Mask:
    """Return which barbers pass the filters. The squared chords count for house calls only."""
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
        # NO_PRICE - 1 is below the price of a service that is not offered, and above any total of real prices.
        limit = NO_PRICE - 1 if filters.price_max is None else filters.price_max
        for index in np.flatnonzero(passes).tolist():
            prices = array.barbers[index].prices
            passes[index] = sum(prices.get(service_id, NO_PRICE) for service_id in filters.service_ids) <= limit
    return passes


def _sort_keys(
    array: BarberArray, inside: NDArray[np.intp], chord2: Floats, service_ids: Sequence[UUID], sort: Sort
) -> Floats:
    if sort == "distance":
        return chord2
    if sort == "price" and service_ids:
        prices = (array.barbers[index].prices for index in inside.tolist())
        return np.array(
            [sum(offered[service_id] for service_id in service_ids) for offered in prices], dtype=np.float64
        )
    key: Floats = array.numbers[CHEAPEST if sort == "price" else RATING, inside]
    return key if sort == "price" else -key


def _after_mask(key: Floats, chord2: Floats, ids: NDArray[np.uint64], after: CursorPosition) -> _Mask:
    high, low = np.uint64(after.id.int >> 64), np.uint64(after.id.int & 0xFFFF_FFFF_FFFF_FFFF)
    later_id = (ids[0] > high) | ((ids[0] == high) & (ids[1] > low))
    same_key, same_chord = key == after.key, chord2 == after.chord2
    later: _Mask = (key > after.key) | (same_key & ((chord2 > after.chord2) | (same_chord & later_id)))
    return later
