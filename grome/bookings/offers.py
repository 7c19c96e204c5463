"""Bookings that Grome makes for somebody who waited, held until that person has said yes or no."""

from datetime import datetime

import msgspec

from grome.availability.calendars import lay_out
from grome.availability.slots import obstacle
from grome.availability.ticks import tick_of
from grome.bookings.errors import SlotNotOffered
from grome.bookings.models import Action, Booking, Party, Status
from grome.bookings.repository import BookingRepository
from grome.bookings.seats import claim_seats
from grome.bookings.wishes import Wish, compose
from grome.common.clock import Clock


class BookingOffers:
    def __init__(self, bookings: BookingRepository, clock: Clock) -> None:
        self._bookings, self._clock = bookings, clock

    async def offer(self, wish: Wish, answer_by: datetime) -> Booking:
        """Claim the time for the customer of the wish. Raises SlotNotOffered or SlotTaken."""
        now = self._clock()
        calendar, visit = lay_out(wish.barber, wish.services, now, frozenset(), wish.way)
        if refused := obstacle(calendar, wish.start, visit):
            raise SlotNotOffered(refused.value, refused.sentence)
        whole = _awaiting_customer(compose(wish, now, answer_by - now), answer_by)

        async def insert(seats: list[int]) -> Booking:
            booking = msgspec.structs.replace(whole, ticks=[*whole.ticks, *seats])
            await self._bookings.insert(booking)
            return booking

        return await claim_seats(self._bookings, wish.barber.id, visit, calendar.date_of(tick_of(wish.start)), insert)


def _awaiting_customer(booking: Booking, answer_by: datetime) -> Booking:
    [made] = booking.history
    offered = msgspec.structs.replace(
        made, action=Action.OFFER, status=Status.REQUESTED, by=Party.SYSTEM, actor_id=None, answer_by=answer_by
    )
    return msgspec.structs.replace(
        booking, status=Status.REQUESTED, awaits=Party.CUSTOMER, answer_by=answer_by, history=[offered]
    )
