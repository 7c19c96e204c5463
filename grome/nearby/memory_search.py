"""The search itself: a crowd and a question in, places in the order asked for out. No I/O."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from grome.common.geo import Vector, chord2_of
from grome.nearby.barber_array import CHEAPEST, HOUSE_CALL, NO_PRICE, ONLINE, RATING, Crowd, Row
from grome.nearby.h3_cells import Floats, chords2
from grome.nearby.models import Narrowing, Place, Sort

_Mask = NDArray[np.bool_]
# Below so many rows a full sort is as fast as finding the first few.
_FEW: Final = 256


class Found(Struct, frozen=True):
    row: Row
    place: Place


def search(
    crowd: Crowd, point: Vector, radius_m: float, narrowing: Narrowing, sort: Sort, after: Place | None, limit: int
) -> list[Found]:
    """The first `limit` rows after a place. Ties go by distance and then by id."""
    chord2 = chords2(crowd.vectors, point)
    inside = np.flatnonzero((chord2 <= chord2_of(radius_m)) & passing(crowd, chord2, narrowing))
    chord2, ids = chord2[inside], crowd.ids[:, inside]
    key = _keys(crowd, inside, chord2, narrowing.service_ids, sort)
    if after:
        beyond = _beyond(key, chord2, ids, after)
        inside, chord2, key, ids = inside[beyond], chord2[beyond], key[beyond], ids[:, beyond]
    if len(inside) > max(limit, _FEW):
        first = key <= np.partition(key, limit)[limit]
        inside, chord2, key, ids = inside[first], chord2[first], key[first], ids[:, first]
    order = np.lexsort((ids[1], ids[0], chord2, key))[:limit]
    rows = [crowd.rows[index] for index in inside[order].tolist()]
    places = zip(key[order].tolist(), chord2[order].tolist(), strict=True)
    return [Found(row, Place(first_key, square, row.id)) for row, (first_key, square) in zip(rows, places, strict=True)]


def passing(crowd: Crowd, chord2: Floats, narrowing: Narrowing) -> _Mask:
    """Which rows are as wanted, whatever their distance; house calls are offered up to a distance, though."""
    numbers = crowd.numbers
    passes: _Mask = np.ones(len(crowd.rows), dtype=np.bool_)
    if narrowing.online is not None:
        passes &= numbers[ONLINE] == narrowing.online
    if narrowing.rating_min is not None:
        passes &= numbers[RATING] >= narrowing.rating_min
    if narrowing.house_calls is not None:
        passes &= (chord2 <= numbers[HOUSE_CALL]) == narrowing.house_calls
    if narrowing.price_max is not None:
        passes &= numbers[CHEAPEST] <= narrowing.price_max
    if narrowing.service_ids:
        # Less than the price of what is not offered, and more than that of everything together.
        dearest = NO_PRICE - 1 if narrowing.price_max is None else narrowing.price_max
        for index in np.flatnonzero(passes).tolist():
            prices = crowd.rows[index].prices
            passes[index] = sum(prices.get(one, NO_PRICE) for one in narrowing.service_ids) <= dearest
    return passes


def _keys(crowd: Crowd, inside: NDArray[np.intp], chord2: Floats, service_ids: Sequence[UUID], sort: Sort) -> Floats:
    if sort == "distance":
        return chord2
    if sort == "price" and service_ids:
        prices = (crowd.rows[index].prices for index in inside.tolist())
        return np.array([sum(offered[one] for one in service_ids) for offered in prices], dtype=np.float64)
    key: Floats = crowd.numbers[CHEAPEST if sort == "price" else RATING, inside]
    return key if sort == "price" else -key


def _beyond(key: Floats, chord2: Floats, ids: NDArray[np.uint64], after: Place) -> _Mask:
    high, low = np.uint64(after.id.int >> 64), np.uint64(after.id.int & 0xFFFF_FFFF_FFFF_FFFF)
    later_id = (ids[0] > high) | ((ids[0] == high) & (ids[1] > low))
    same_key, same_chord = key == after.key, chord2 == after.chord2
    beyond: _Mask = (key > after.key) | (same_key & ((chord2 > after.chord2) | (same_chord & later_id)))
    return beyond
