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

from grome.barbers.models import MapPin
from grome.barbers.schemas import NearbyBarber, OfferOut
from grome.common.geo import Vector, chord2_of, to_lat_lng, unit_vector
from grome.infrastructure.mongo.client import from_bson
from grome.nearby.h3_cells import Floats

# The lines of `Crowd.numbers` after the first three, which are the unit vector.
RATING, CHEAPEST, HOUSE_CALL, ONLINE = 3, 4, 5, 6
# The price of those who offer nothing; it is above every Amount.
NO_PRICE: Final = 1e12
# What a row weighs beside its two pieces of JSON: objects, dictionary entries, its part of the arrays. Measured.
_ROW_BYTES: Final = 1_000
# An entry in the dictionary of prices, with the number, where a barber has many services.
_OFFER_BYTES: Final = 120
_MARK: Final = b'"distance_m":'

_encode_json = msgspec.json.Encoder().encode
by_id = attrgetter("id")


class Row(Struct, frozen=True, gc=False):
    """`head` + a distance + `tail` is the JSON object of an answer, with a comma before it.

    `order` grows with every change of a barber, also when the profile is removed and made anew. `fingerprint` is that
    of the pin as it was read, the same for the same bytes within a process. `traits` are what searches narrow and sort
    by: rating, cheapest price, squared chord up to which house calls are made (-1 for none), online (0 or 1).
    """

    id: UUID
    order: int
    fingerprint: int
    vector: Vector
    traits: tuple[float, float, float, float]
    prices: dict[UUID, int]
    head: bytes
    tail: bytes

    def shows_as(self, other: "Row | None") -> bool:
        """Whether no answer can tell them apart."""
        return other is not None and (self.head, self.tail, self.numbers) == (other.head, other.tail, other.numbers)

    @property
    def numbers(self) -> tuple[float, ...]:
        """A column of `Crowd.numbers`."""
        return *self.vector, *self.traits

    @property
    def weight(self) -> int:
        return _ROW_BYTES + len(self.head) + len(self.tail) + _OFFER_BYTES * len(self.prices)


def row_from(raw: bytes) -> Row:
    """The row of a MapPin in BSON."""
    return row_of(from_bson(raw, MapPin), fingerprint(raw))


def row_of(pin: MapPin, print_of_pin: int = 0) -> Row:
    """Without a fingerprint, the row of a pin that was told and not read."""
    place = to_lat_lng(pin.location)
    offers = [
        OfferOut(offer.service_id, offer.name, offer.price, pin.currency, offer.duration_min) for offer in pin.services
    ]
    encoded = _encode_json(
        NearbyBarber(pin.id, pin.display_name, place, 0.0, pin.rating, pin.reviews_count, pin.is_online, offers)
    )
    # A name cannot hold the mark: JSON would escape its quotation marks.
    head, _, tail = encoded.partition(_MARK + b"0.0")
    cheapest = min((offer.price for offer in pin.services), default=NO_PRICE)
    house_call = chord2_of(pin.service_radius_km * 1000) if pin.service_radius_km else -1.0
    return Row(
        id=pin.id,
        order=int(pin.created_at.timestamp() * 1000) << 40 | pin.version,
        fingerprint=print_of_pin,
        vector=unit_vector(place.lat, place.lng),
        traits=(pin.rating, float(cheapest), house_call, float(pin.is_online)),
        prices={_one_object(offer.service_id): offer.price for offer in pin.services},
        head=b"," + head + _MARK,
        tail=tail,
    )


@lru_cache(maxsize=10_000)
def _one_object(service_id: UUID) -> UUID:
    """The same object for the same id: a catalogue has dozens of services, and thousands of barbers offer them."""
    return service_id


def fingerprint(raw: bytes) -> int:
    return hash(raw)


class Crowd:
    """Rows, and what a search asks of them as arrays: one column a row.

    `numbers` is 7 by n: each row's unit vector and traits. `ids` is 2 by n: a UUID's halves, which sort as UUIDs do.
    """

    __slots__ = ("ids", "numbers", "rows")

    def __init__(self, rows: list[Row], numbers: Floats, ids: NDArray[np.uint64]) -> None:
        self.rows, self.numbers, self.ids = rows, numbers, ids

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """In the order of their ids."""
        ordered = sorted(rows, key=by_id)
        numbers = np.array([row.numbers for row in ordered], dtype=np.float64).reshape(-1, 7).T.copy()
        ids = np.array([_halves(row) for row in ordered], dtype=np.uint64).reshape(-1, 2).T.copy()
        return cls(ordered, numbers, ids)

    @classmethod
    def joined(cls, crowds: Iterable[Self]) -> Self:
        """One after the other, each in its own order."""
        inhabited = [crowd for crowd in crowds if crowd.rows] or [cls.of(())]
        return cls(
            [row for crowd in inhabited for row in crowd.rows],
            np.concatenate([crowd.numbers for crowd in inhabited], axis=1),
            np.concatenate([crowd.ids for crowd in inhabited], axis=1),
        )

    def taken(self, indexes: NDArray[np.intp]) -> Self:
        return type(self)(
            [self.rows[index] for index in indexes.tolist()], self.numbers[:, indexes], self.ids[:, indexes]
        )

    @property
    def vectors(self) -> Floats:
        return self.numbers[:3]

    @property
    def weight(self) -> int:
        return sum(row.weight for row in self.rows)

    def find(self, barber: UUID) -> Row | None:
        index = bisect_left(self.rows, barber, key=by_id)
        return self.rows[index] if index < len(self.rows) and self.rows[index].id == barber else None

    def with_row(self, row: Row) -> Self:
        """With this row instead of the one of the same id, or beside the others. O(n), but not in Python."""
        index = bisect_left(self.rows, row.id, key=by_id)
        rest = self.without(row.id)
        return type(self)(
            [*rest.rows[:index], row, *rest.rows[index:]],
            np.insert(rest.numbers, index, row.numbers, axis=1),
            np.insert(rest.ids, index, _halves(row), axis=1),
        )

    def without(self, barber: UUID) -> Self:
        index = bisect_left(self.rows, barber, key=by_id)
        if index == len(self.rows) or self.rows[index].id != barber:
            return self
        return type(self)(
            [*self.rows[:index], *self.rows[index + 1 :]],
            np.delete(self.numbers, index, axis=1),
            np.delete(self.ids, index, axis=1),
        )


def _halves(row: Row) -> tuple[int, int]:
    return row.id.int >> 64, row.id.int & 0xFFFF_FFFF_FFFF_FFFF
