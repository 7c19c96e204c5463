"""Claim seats under daily caps: choose free seats, and claim them in the write that claims the time."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from datetime import date
from typing import TypeVar
from uuid import UUID

from grome.bookings.errors import SeatTaken, SlotNotOffered
from grome.bookings.repository import BookingRepository
from grome.common.errors import Unavailable
from grome.scheduling.daily_caps import Cap, list_free_seats, seat_ticks
from grome.scheduling.slots import Unavailability
from grome.scheduling.visit_plan import VisitPlan

T = TypeVar("T")
# Attempts to claim a seat. Seats are drawn at random, so few concurrent bookings collide on the same seat.
_ATTEMPTS = 50


async def claim_seats(
    bookings: BookingRepository,
    barber_id: UUID,
    visit: VisitPlan,
    day: date,
    write: Callable[[list[int]], Awaitable[T]],
    own: Collection[int] = (),
) -> T:
    """Return the result of `write`, called with the seats to claim: no seats if there are no caps.

    `own` are seats that the booking already holds. Raises SlotNotOffered if the day is full.
    """
    for _ in range(_ATTEMPTS):
        drawn = [await _draw_seat(bookings, barber_id, cap, day, own) for cap in visit.caps]
        try:
            return await write(drawn)
        except SeatTaken:
            continue
    raise Unavailable("Too many requests for this day at once; try again.")


async def _draw_seat(bookings: BookingRepository, barber_id: UUID, cap: Cap, day: date, own: Collection[int]) -> int:
    every = seat_ticks(cap, day)
    if kept := [seat for seat in own if seat in every]:
        return kept[0]
    free = list_free_seats(cap, day, await bookings.get_occupied_ticks(barber_id, every[-1], every[0] + 1))
    if not free:
        raise SlotNotOffered(Unavailability.DAY_FULL.value, Unavailability.DAY_FULL.sentence)
    return secrets.choice(free)
