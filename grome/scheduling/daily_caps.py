"""Enforce daily caps with the unique index that protects time: each visit claims a seat of its day.

Seats are stored as negative numbers among the ticks of a booking, so one write claims both time and seats.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from typing import Final, NamedTuple, Self
from uuid import UUID

# The number of a seat packs the date (20 bits), the subject and the seat index: 56 bits, negated.
_SUBJECT_BITS: Final = 28
_SEAT_BITS: Final = 8
_ALL_VISITS: Final = 0


class Claims(NamedTuple):
    """Splits the numbers that a booking claims into ticks of time (0 and above) and seats under caps (below 0)."""

    time: list[int]
    seats: list[int]

    @classmethod
    def of(cls, ticks: Iterable[int]) -> Self:
        claims = cls([], [])
        for tick in ticks:
            (claims.seats if is_seat(tick) else claims.time).append(tick)
        return claims


class Cap(NamedTuple):
    """Limits a day to `limit` visits; `subject` selects all visits of a barber or the visits with one service."""

    subject: int
    limit: int


class DayCapKey(NamedTuple):
    day: int
    subject: int


def is_seat(tick: int) -> bool:
    return tick < 0


def cap_on_visits(limit: int) -> Cap:
    return Cap(_ALL_VISITS, limit)


def cap_on_service(service_id: UUID, limit: int) -> Cap:
    """Build the cap on one service. Its subject is the id modulo 2**28 - 1; a collision within a shop is negligible."""
    return Cap(1 + service_id.int % ((1 << _SUBJECT_BITS) - 1), limit)


def seat_ticks(cap: Cap, day: date) -> range:
    """Return all seats of the cap's subject on a local date of the barber, in the order of their index."""
    first = (day.toordinal() << _SUBJECT_BITS | cap.subject) << _SEAT_BITS
    return range(-first, -first - (1 << _SEAT_BITS), -1)


def count_seats(numbers: Iterable[int]) -> Counter[DayCapKey]:
    """Count the seats of each day and subject among the ticks of a calendar."""
    return Counter(_cap_key_of(number) for number in numbers if is_seat(number))


def excluding_own(numbers: Iterable[int], own: Collection[int]) -> frozenset[int]:
    """Return the ticks that other bookings hold, for a visit that holds the ticks `own`.

    A visit that holds a seat needs no second seat, so all seats of the same day and subject are left out. A day can
    hold more seats than the cap, because the cap may have been higher before.
    """
    mine = count_seats(own)
    return frozenset(tick for tick in numbers if tick not in own and not (is_seat(tick) and _cap_key_of(tick) in mine))


def _cap_key_of(seat: int) -> DayCapKey:
    of_day = -seat >> _SEAT_BITS
    return DayCapKey(of_day >> _SUBJECT_BITS, of_day & (1 << _SUBJECT_BITS) - 1)


def list_free_seats(cap: Cap, day: date, numbers: frozenset[int]) -> list[int]:
    """Return the seats that may be claimed: the first free seats, as many as the cap leaves.

    Seats beyond the cap may be held if the cap was higher before. Concurrent readers get the same seats, so together
    they cannot claim more seats than the cap leaves.
    """
    every = seat_ticks(cap, day)
    left = cap.limit - sum(seat in numbers for seat in every)
    return [seat for seat in every if seat not in numbers][: max(left, 0)]
