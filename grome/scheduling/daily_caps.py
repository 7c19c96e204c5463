"""Daily caps, held by the same unique index as time: a visit takes a seat of its day, and each seat exists once.

Seats are negative numbers among a booking's ticks, so that the one write which claims its time claims them too.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from typing import Final, NamedTuple, Self
from uuid import UUID

# A seat's number consists of the date, the subject and the seat, in this many bits: 56 in all, and the sign.
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
    """Limits a day to `most` visits; `subject` selects all visits of a barber or the visits with one service."""

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
    """Of a service only the random end of its id counts; that two of one barber's share it is as good as impossible."""
    return Cap(1 + service_id.int % ((1 << _SUBJECT_BITS) - 1), limit)


def seat_ticks(cap: Cap, day: date) -> range:
    """Return the numbers of all seats for the subject of the cap on one of the barber's dates, in order."""
    first = (day.toordinal() << _SUBJECT_BITS | cap.subject) << _SEAT_BITS
    return range(-first, -first - (1 << _SEAT_BITS), -1)


def count_seats(numbers: Iterable[int]) -> Counter[DayCapKey]:
    """Count the seats of each day and subject among the ticks of a calendar."""
    return Counter(_cap_key_of(number) for number in numbers if is_seat(number))


def excluding_own(numbers: Iterable[int], own: Collection[int]) -> frozenset[int]:
    """A calendar's ticks for a visit that holds `own` among them. It needs no second seat where it has one, so the
    others of that day and subject do not count, however many there are: the cap may have been higher.
    """
    mine = count_seats(own)
    return frozenset(tick for tick in numbers if tick not in own and not (is_seat(tick) and _cap_key_of(tick) in mine))


def _cap_key_of(seat: int) -> DayCapKey:
    of_day = -seat >> _SEAT_BITS
    return DayCapKey(of_day >> _SUBJECT_BITS, of_day & (1 << _SUBJECT_BITS) - 1)


def list_free_seats(cap: Cap, day: date, numbers: frozenset[int]) -> list[int]:
    """Return the free seats that may be taken: the lowest free numbers, as many as the cap leaves.

    If the cap was higher before, seats beyond the cap may be held. Concurrent readers get the same few seats, so
    together they cannot take more seats than the cap leaves.
    """
    every = seat_ticks(cap, day)
    left = cap.limit - sum(seat in numbers for seat in every)
    return [seat for seat in every if seat not in numbers][: max(left, 0)]
