"""Taking a time: from what a customer wants to the one document that claims it."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from grome.availability.calendars import lay_out, way_to
from grome.availability.caps import seats as seats_of
from grome.availability.slots import obstacle
from grome.availability.ticks import tick_of
from grome.barbers.models import Barber, GeoPoint
from grome.barbers.schemas import to_point
from grome.barbers.service import BarberService, chosen_services
from grome.bookings.errors import KeyReused, SlotNotOffered, SlotTaken
from grome.bookings.models import Booking, HouseCall, Idempotency, as_of
from grome.bookings.moves import BookingMoves
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn, BookingOut, RebookIn, booking_out
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
        moves: BookingMoves,
        answer_within: timedelta,
        clock: Clock,
    ) -> None:
        self._bookings, self._insert, self._barbers, self._moves = bookings, insert, barbers, moves
        self._answer_within, self._clock = answer_within, clock

    async def create(self, actor: Actor, wanted: BookingIn, key: str | None) -> BookingOut:
        """Claim the time, or give the first answer again where `key` has one.

        Raises NotFound for the barber, Invalid for a service, SlotNotOffered, SlotTaken, KeyReused or KeyInFlight.
        """
        idempotency = asked_under(key, wanted)

        async def make() -> Booking:
            return await self.take(await self._wish(actor.id, wanted), idempotency)

        return await self.once(actor.id, idempotency, make)

    async def once(
        self, customer_id: UUID, idempotency: Idempotency | None, make: Callable[[], Awaitable[Booking]]
    ) -> BookingOut:
        """What `make` takes under the key, or the first answer again. Raises what `make` does, and KeyReused."""
        try:
            return booking_out(await make())
        except Refusal:
            # Asked only now, so that the ordinary request pays for no look-up: whatever refuses a repeat, be it the
            # booking that the first request made or the clock, the first answer counts.
            if idempotency is None:
                raise
            first = await self._bookings.find_by_key(customer_id, idempotency.key)
            if first is None:
                raise
            if first.idempotency is None or first.idempotency.fingerprint != idempotency.fingerprint:
                raise KeyReused from None
            return _first_answer(first)

    async def take(self, wish: Wish, idempotency: Idempotency | None = None) -> Booking:
        """Claim what is wished for. Raises SlotNotOffered, SlotTaken or KeyInFlight."""
        now = self._clock()
        # Occupied time is left out of the calendar: about that the database decides, in the insert itself.
        calendar, visit = lay_out(wish.barber, wish.services, now, frozenset(), wish.way)
        if refused := obstacle(calendar, wish.start, visit):
            raise SlotNotOffered(refused.value, refused.sentence)
        whole = compose(wish, now, self._answer_within, idempotency)
        day = calendar.date_of(tick_of(wish.start))

        async def insert(seats: list[int]) -> Booking:
            booking = msgspec.structs.replace(whole, ticks=[*whole.ticks, *seats]) if seats else whole
            await self._insert(booking)
            return booking

        async def claim() -> Booking:
            return await claim_seats(self._bookings, wish.barber.id, visit, day, insert)

        try:
            return await claim()
        except (SlotTaken, SlotNotOffered):
            # Requests whose time is up hold theirs until a job comes by, or somebody wants it.
            wanted = [*whole.ticks, *(seat for cap in visit.caps for seat in seats_of(cap, day))]
            if not await self._moves.expire_within(wish.barber.id, wanted):
                raise
            return await claim()

    async def _wish(self, customer_id: UUID, wanted: BookingIn) -> Wish:
        barber, there = await self._barbers.find(wanted.barber_id), wanted.house_call
        return Wish(
            id=new_id(),
            customer_id=customer_id,
            barber=barber,
            services=chosen_services(barber, wanted.service_ids, wanted.add_on_ids),
            start=to_utc(wanted.scheduled_at, "scheduled_at"),
            house_call=house_call_to(barber, to_point(there.location), there.address) if there else None,
            terms=barber.terms,
            note=wanted.note,
        )


def asked_under(key: str | None, wanted: BookingIn | RebookIn, about: UUID | None = None) -> Idempotency | None:
    """The key, if there is one, with what is asked for under it: the same however its JSON was written."""
    if key is None:
        return None
    wish = msgspec.structs.replace(wanted, scheduled_at=to_utc(wanted.scheduled_at, "scheduled_at"))
    told = msgspec.json.encode(wish) + (about.bytes if about else b"")
    return Idempotency(key, hashlib.sha256(told).digest())


def house_call_to(barber: Barber, place: GeoPoint, address: str) -> HouseCall:
    """Raises Invalid where the barber does not go there."""
    way = way_to(barber, place, "house_call.location")
    return HouseCall(place, address, way.distance_m, way.travel_min)


def _first_answer(booking: Booking) -> BookingOut:
    """The booking as it was answered when it was made, whatever became of it since."""
    made = as_of(booking, 1) or booking
    return booking_out(msgspec.structs.replace(made, customer_note=booking.history[0].note))
