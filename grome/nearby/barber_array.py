"""Hold barbers for searches: as arrays to filter and sort by, and as JSON that is encoded once."""

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

from grome.barbers.models import BarberMapEntry, shown_rating
from grome.barbers.schemas import NearbyBarber, OfferOut
from grome.common.geo import Vector, chord2_of, to_lat_lng, unit_vector
from grome.infrastructure.mongo.client import from_bson
from grome.nearby.h3_cells import Floats

# The lines of `BarberArray.numbers` after the first three, which are the unit vector.
RATING, CHEAPEST, HOUSE_CALL, ONLINE = 3, 4, 5, 6
# The price of a barber without services; it is above every Amount.
NO_PRICE: Final = 1e12
# The memory of a barber beside the two pieces of JSON: objects, dictionary entries, its part of the arrays. Measured.
_BARBER_BYTES: Final = 1_000
# An entry in the dictionary of prices, with the number, for a barber with many services.
_OFFER_BYTES: Final = 120
_DISTANCE_KEY: Final = b'"distance_m":'

_encode_json = msgspec.json.Encoder().encode
barber_id_of = attrgetter("id")


class IndexedBarber(Struct, frozen=True, gc=False):
    """Holds a barber as numbers and encoded JSON.

    `head` + a distance + `tail` is the JSON object in a page, after a comma.
    `revision` grows with every change of a barber, also if the profile is removed and created again. `fingerprint` is
    equal for equal BSON within a process. `traits` are rating, cheapest price, squared chord up to which the barber
    makes house calls (-1 for none), and online (0 or 1).
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
        """Return whether every search gives the same answer with either of the two."""
        return other is not None and (self.head, self.tail, self.column) == (other.head, other.tail, other.column)

    @property
    def column(self) -> tuple[float, ...]:
        """The column of the barber in `BarberArray.numbers`."""
        return *self.vector, *self.traits

    @property
    def size_bytes(self) -> int:
        return _BARBER_BYTES + len(self.head) + len(self.tail) + _OFFER_BYTES * len(self.prices)


def decode_barber(raw: bytes) -> IndexedBarber:
    """Decode a BarberMapEntry in BSON."""
    return index_barber(from_bson(raw, BarberMapEntry), fingerprint(raw))


def index_barber(entry: BarberMapEntry, entry_fingerprint: int = 0) -> IndexedBarber:
    """The fingerprint is 0 for an entry that comes from a published change and not from BSON."""
    place = to_lat_lng(entry.location)
    offers = [
        OfferOut(offer.service_id, offer.name, offer.price, entry.currency, offer.duration_min)
        for offer in entry.services
    ]
    encoded = _encode_json(
        NearbyBarber(
            entry.id,
            entry.display_name,
            place,
            0.0,
            shown_rating(entry.rating, entry.reviews_count),
            entry.reviews_count,
            entry.is_online,
            offers,
        )
    )
    # A name cannot contain the key: JSON would escape its quotation marks.
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
    """Return the same object for the same id: a catalogue has dozens of services, offered by thousands of barbers."""
    return service_id


def fingerprint(raw: bytes) -> int:
    return hash(raw)


class BarberArray:
    """Holds barbers and, for searches, their numbers and ids as arrays with a column for each barber.

    `numbers` is 7 by n: unit vector and traits. `ids` is 2 by n: the halves of each UUID, which sort as UUIDs do.
    """

    __slots__ = ("barbers", "ids", "numbers")

    def __init__(self, barbers: list[IndexedBarber], numbers: Floats, ids: NDArray[np.uint64]) -> None:
        self.barbers, self.numbers, self.ids = barbers, numbers, ids

    @classmethod
    def from_barbers(cls, barbers: Iterable[IndexedBarber]) -> Self:
        """Sort the barbers by id."""
        ordered = sorted(barbers, key=barber_id_of)
        numbers = np.array([barber.column for barber in ordered], dtype=np.float64).reshape(-1, 7).T.copy()
        ids = np.array([_id_halves(barber) for barber in ordered], dtype=np.uint64).reshape(-1, 2).T.copy()
        return cls(ordered, numbers, ids)

    @classmethod
    def concatenate(cls, arrays: Iterable[Self]) -> Self:
        """Join arrays without sorting: `find`, `with_barber` and `without` do not work on the result."""
        inhabited = [array for array in arrays if array.barbers] or [cls.from_barbers(())]
        return cls(
            [barber for array in inhabited for barber in array.barbers],
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
        return sum(barber.size_bytes for barber in self.barbers)

    def find(self, barber_id: UUID) -> IndexedBarber | None:
        index = bisect_left(self.barbers, barber_id, key=barber_id_of)
        return self.barbers[index] if index < len(self.barbers) and self.barbers[index].id == barber_id else None

    def with_barber(self, barber: IndexedBarber) -> Self:
        """Return a copy with the barber, in place of a barber with the same id. O(n), but not in Python."""
        index = bisect_left(self.barbers, barber.id, key=barber_id_of)
        rest = self.without(barber.id)
        return type(self)(
            [*rest.barbers[:index], barber, *rest.barbers[index:]],
            np.insert(rest.numbers, index, barber.column, axis=1),
            np.insert(rest.ids, index, _id_halves(barber), axis=1),
        )

    def without(self, barber_id: UUID) -> Self:
        index = bisect_left(self.barbers, barber_id, key=barber_id_of)
        if index == len(self.barbers) or self.barbers[index].id != barber_id:
            return self
        return type(self)(
            [*self.barbers[:index], *self.barbers[index + 1 :]],
            np.delete(self.numbers, index, axis=1),
            np.delete(self.ids, index, axis=1),
        )


def _id_halves(barber: IndexedBarber) -> tuple[int, int]:
    return barber.id.int >> 64, barber.id.int & 0xFFFF_FFFF_FFFF_FFFF
