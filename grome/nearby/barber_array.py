"""A barber as the map keeps one: ready-encoded JSON around the one thing that differs from answer to answer."""

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Final, Self
from uuid import UUID

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from grome.barbers.models import BarberMapEntry
from grome.barbers.schemas import NearbyBarber, OfferOut
from grome.common.geo import Vector, chord2_of, to_lat_lng, unit_vector
from grome.infrastructure.mongo.client import from_bson
from grome.nearby.h3_cells import Floats

# The lines of `Crowd.numbers` after the first three, which are the unit vector.
RATING, CHEAPEST, HOUSE_CALL, ONLINE = 3, 4, 5, 6
# The price of those who offer nothing; it is above every Amount.
NO_PRICE: Final = 1e12
# What a row weighs beside its two pieces of JSON: objects, dictionary entries, its part of the arrays. Measured.
_BARBER_BYTES: Final = 1_000
# An entry in the dictionary of prices, with the number, where a barber has many services.
_OFFER_BYTES: Final = 120
_DISTANCE_KEY: Final = b'"distance_m":'

_encode_json = msgspec.json.Encoder().encode
barber_id_of = attrgetter("id")


class IndexedBarber(Struct, frozen=True, gc=False):
    """`head` + a distance + `tail` is the JSON object of an answer, with a comma before it.

    `order` grows with every change of a barber, also when the profile is removed and made anew. `fingerprint` is that
    of the entry as it was read, the same for the same bytes within a process. `traits` are the filter and sort
    values: rating, cheapest price, squared chord up to which house calls are made (-1 for none), online (0 or 1).
    """

    id: UUID
    revision: int
    fingerprint: int
    vector: Vector
    traits: tuple[float, float, float, float]
    prices: dict[UUID, int]
    head: bytes
    tail: bytes

    def renders_same_as(self, other: "IndexedBarber | None") -> bool:
        """Whether no answer can tell them apart."""
        return other is not None and (self.head, self.tail, self.column) == (other.head, other.tail, other.column)

    @property
    def column(self) -> tuple[float, ...]:
        """A column of `Crowd.numbers`."""
        return *self.vector, *self.traits

    @property
    def size_bytes(self) -> int:
        return _BARBER_BYTES + len(self.head) + len(self.tail) + _OFFER_BYTES * len(self.prices)


def decode_barber(raw: bytes) -> IndexedBarber:
    """The row of a BarberMapEntry in BSON."""
    return index_barber(from_bson(raw, BarberMapEntry), fingerprint(raw))


def index_barber(entry: BarberMapEntry, entry_fingerprint: int = 0) -> IndexedBarber:
    """Without a fingerprint, the row of a entry that was told and not read."""
    place = to_lat_lng(entry.location)
    offers = [
        OfferOut(offer.service_id, offer.name, offer.price, entry.currency, offer.duration_min)
        for offer in entry.services
    ]
    encoded = _encode_json(
        NearbyBarber(
            entry.id, entry.display_name, place, 0.0, entry.rating, entry.reviews_count, entry.is_online, offers
        )
    )
    # A name cannot hold the mark: JSON would escape its quotation marks.
    head, _, tail = encoded.partition(_DISTANCE_KEY + b"0.0")
    cheapest = min((offer.price for offer in entry.services), default=NO_PRICE)
    house_call = chord2_of(entry.service_radius_km * 1000) if entry.service_radius_km else -1.0
    return IndexedBarber(
        id=entry.id,
        revision=int(entry.created_at.timestamp() * 1000) << 40 | entry.version,
        fingerprint=entry_fingerprint,
        vector=unit_vector(place.lat, place.lng),
        traits=(entry.rating, float(cheapest), house_call, float(entry.is_online)),
        prices={_interned(offer.service_id): offer.price for offer in entry.services},
        head=b"," + head + _DISTANCE_KEY,
        tail=tail,
    )


@lru_cache(maxsize=10_000)
def _interned(service_id: UUID) -> UUID:
    """The same object for the same id: a catalogue has dozens of services, and thousands of barbers offer them."""
    return service_id


def fingerprint(raw: bytes) -> int:
    return hash(raw)


class BarberArray:
    """Rows, and what a search asks of them as arrays: one column a row.

    `numbers` is 7 by n: each row's unit vector and traits. `ids` is 2 by n: a UUID's halves, which sort as UUIDs do.
    """

    __slots__ = ("barbers", "ids", "numbers")

    def __init__(self, rows: list[IndexedBarber], numbers: Floats, ids: NDArray[np.uint64]) -> None:
        self.barbers, self.numbers, self.ids = rows, numbers, ids

    @classmethod
    def from_barbers(cls, rows: Iterable[IndexedBarber]) -> Self:
        """In the order of their ids."""
        ordered = sorted(rows, key=barber_id_of)
        numbers = np.array([row.column for row in ordered], dtype=np.float64).reshape(-1, 7).T.copy()
        ids = np.array([_id_halves(row) for row in ordered], dtype=np.uint64).reshape(-1, 2).T.copy()
        return cls(ordered, numbers, ids)

    @classmethod
    def concatenate(cls, arrays: Iterable[Self]) -> Self:
        """One after the other, each in its own order."""
        inhabited = [array for array in arrays if array.barbers] or [cls.from_barbers(())]
        return cls(
            [row for array in inhabited for row in array.barbers],
            np.concatenate([array.numbers for array in inhabited], axis=1),
            np.concatenate([array.ids for array in inhabited], axis=1),
        )

    def take(self, indexes: NDArray[np.intp]) -> Self:
        return type(self)(
            [self.barbers[index] for index in indexes.tolist()], self.numbers[:, indexes], self.ids[:, indexes]
        )

    @property
    def vectors(self) -> Floats:
        return self.numbers[:3]

    @property
    def size_bytes(self) -> int:
        return sum(row.size_bytes for row in self.barbers)

    def find(self, barber: UUID) -> IndexedBarber | None:
        index = bisect_left(self.barbers, barber, key=barber_id_of)
        return self.barbers[index] if index < len(self.barbers) and self.barbers[index].id == barber else None

    def with_barber(self, row: IndexedBarber) -> Self:
        """With this row instead of the one of the same id, or beside the others. O(n), but not in Python."""
        index = bisect_left(self.barbers, row.id, key=barber_id_of)
        rest = self.without(row.id)
        return type(self)(
            [*rest.barbers[:index], row, *rest.barbers[index:]],
            np.insert(rest.numbers, index, row.column, axis=1),
            np.insert(rest.ids, index, _id_halves(row), axis=1),
        )

    def without(self, barber: UUID) -> Self:
        index = bisect_left(self.barbers, barber, key=barber_id_of)
        if index == len(self.barbers) or self.barbers[index].id != barber:
            return self
        return type(self)(
            [*self.barbers[:index], *self.barbers[index + 1 :]],
            np.delete(self.numbers, index, axis=1),
            np.delete(self.ids, index, axis=1),
        )


def _id_halves(row: IndexedBarber) -> tuple[int, int]:
    return row.id.int >> 64, row.id.int & 0xFFFF_FFFF_FFFF_FFFF
