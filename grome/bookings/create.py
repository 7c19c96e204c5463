"""Taking a time: from what a customer wants to the one document that claims it."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from grome.availability.calendars import lay_out, way_to
from grome.availability.slots import obstacle
from grome.availability.ticks import tick_of
from grome.barbers.models import Barber
from grome.barbers.schemas import to_point
from grome.barbers.service import BarberService, chosen_services
from grome.bookings.errors import KeyReused, SlotNotOffered
from grome.bookings.models import Booking, HouseCall, Idempotency, as_of
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn, BookingOut, HouseCallIn, booking_out
from grome.bookings.seats import claim_seats
from grome.bookings.wishes import Wish, compose
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Refusal
from grome.common.ids import new_id


class BookingCreation:
    """`insert` is the repository's, or one that gathers several; `answer_within` is how long a request waits for its
    barber before it expires.
    """

    def __init__(
        self,
        bookings: BookingRepository,
        insert: Callable[[Booking], Awaitable[None]],
        barbers: BarberService,
        answer_within: timedelta,
        clock: Clock,
    ) -> None:
        self._bookings, self._insert, self._barbers = bookings, insert, barbers
        self._answer_within, self._clock = answer_within, clock

    async def create(self, actor: Actor, wanted: BookingIn, key: str | None) -> BookingOut:
        """Claim the time, or give the first answer again where `key` has one.

        Raises NotFound for the barber, Invalid for a service, SlotNotOffered, SlotTaken, KeyReused or KeyInFlight.
        """
        idempotency = Idempotency(key, _fingerprint(wanted)) if key is not None else None
        try:
            return booking_out(await self.take(await self._wish(actor.id, wanted), idempotency))
        except Refusal:
            # Asked only now, so that the ordinary request pays for no look-up: whatever refuses a repeat, be it the
            # booking that the first request made or the clock, the first answer counts.
            if idempotency is None:
                raise
            first = await self._bookings.find_by_key(actor.id, idempotency.key)
            if first is None:
                raise
            return _first_answer(first, idempotency)

    async def take(self, wish: Wish, idempotency: Idempotency | None = None) -> Booking:
        """Claim what is wished for. Raises SlotNotOffered, SlotTaken or KeyInFlight."""
        now = self._clock()
        # Occupied time is left out of the calendar: about that the database decides, in the insert itself.
        calendar, visit = lay_out(wish.barber, wish.services, now, frozenset(), wish.way)
        if refused := obstacle(calendar, wish.start, visit):
            raise SlotNotOffered(refused.value, refused.sentence)
        whole = compose(wish, now, self._answer_within, idempotency)

        async def insert(seats: list[int]) -> Booking:
            booking = msgspec.structs.replace(whole, ticks=[*whole.ticks, *seats]) if seats else whole
            await self._insert(booking)
            return booking

        day = calendar.date_of(tick_of(wish.start))
        return await claim_seats(self._bookings, wish.barber.id, visit, day, insert)

    async def _wish(self, customer_id: UUID, wanted: BookingIn) -> Wish:
        barber = await self._barbers.find(wanted.barber_id)
        return Wish(
            id=new_id(),
            customer_id=customer_id,
            barber=barber,
            services=chosen_services(barber, wanted.service_ids, wanted.add_on_ids),
            start=to_utc(wanted.scheduled_at, "scheduled_at"),
            house_call=house_call_to(barber, wanted.house_call) if wanted.house_call else None,
            terms=barber.terms,
            note=wanted.note,
        )


def house_call_to(barber: Barber, wanted: HouseCallIn) -> HouseCall:
    """Raises Invalid where the barber does not go there."""
    point = to_point(wanted.location)
    way = way_to(barber, point, "house_call.location")
    return HouseCall(point, wanted.address, way.distance_m, way.travel_min)


def _fingerprint(wanted: BookingIn) -> bytes:
    """The same for the same wish, however its JSON was written."""
    wish = msgspec.structs.replace(wanted, scheduled_at=to_utc(wanted.scheduled_at, "scheduled_at"))
    return hashlib.sha256(msgspec.json.encode(wish)).digest()


def _first_answer(booking: Booking, idempotency: Idempotency) -> BookingOut:
    """The booking as it was answered when it was made, whatever became of it since."""
    if booking.idempotency is None or booking.idempotency.fingerprint != idempotency.fingerprint:
        raise KeyReused from None
    return booking_out(as_of(booking, 1) or booking)
