"""Create bookings: from a customer's request to the one document that claims the time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.calendar_builder import build_calendar_and_visit, travel_to
from grome.barbers.models import Barber
from grome.barbers.service import BarberService, choose_services
from grome.bookings.cap_seats import claim_seats
from grome.bookings.drafts import BookingDraft, as_waitlist_offer, build_booking, find_start_error
from grome.bookings.errors import KeyReused, SlotNotOffered, SlotTaken
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Booking, HouseCall, Idempotency, snapshot_at_version
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn, BookingOut, VisitIn, booking_out
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import ApiError
from grome.common.geo import GeoPoint, to_point
from grome.common.ids import new_id
from grome.infrastructure.http.responses import encode
from grome.infrastructure.idempotency import Encoded, fingerprint_of
from grome.promos.redemptions import PromoClaims
from grome.scheduling.daily_caps import seat_ticks as seats_of
from grome.scheduling.slots import Calendar, required_span
from grome.scheduling.ticks import Span, tick_of
from grome.scheduling.visit_plan import VisitPlan

# The insert begins this long after the use of a promo code is claimed, at the latest.
_CLAIMED_FOR: Final = timedelta(minutes=1)


class BookingCreator:
    """`insert` is the repository's, or one that gathers several; `answer_within` is how long a request waits for its
    barber before it expires.
    """

    def __init__(
        self,
        bookings: BookingRepository,
        insert: Callable[[Booking], Awaitable[None]],
        barbers: BarberService,
        moves: BookingLifecycle,
        promos: PromoClaims,
        answer_within: timedelta,
        clock: Clock,
    ) -> None:
        self._bookings, self._insert, self._barbers = bookings, insert, barbers
        self._moves, self._promos = moves, promos
        self._answer_within, self._clock = answer_within, clock

    async def create(self, actor: Actor, wanted: BookingIn, key: str | None) -> BookingOut | Encoded:
        """Claim the time, or give the first answer again where `key` has one.

        Raises NotFound for the barber, Invalid for a service, SlotNotOffered, SlotTaken, PromoRefused, KeyReused or
        KeyInFlight.
        """
        idempotency = idempotency_for(key, wanted, to_utc(wanted.scheduled_at, "scheduled_at"))

        async def make() -> Booking:
            wish = await self.build_draft(actor.id, wanted)
            return await self.claim(replace(wish, promo_code=wanted.promo_code), idempotency)

        return await self.run_idempotent(actor.id, idempotency, make)

    async def run_idempotent(
        self, customer_id: UUID, idempotency: Idempotency | None, make: Callable[[], Awaitable[Booking]]
    ) -> BookingOut | Encoded:
        """Run `make` once under the key, or return the first answer again.

        Raises the errors of `make`, and KeyReused.
        """
        try:
            return original_response(await make())
        except ApiError:
            # Looked up only now, so that an ordinary request needs no query: for a repeat the first answer counts,
            # no matter if the first booking or the clock refuses the repeat.
            if idempotency is None:
                raise
            first = await self._bookings.find_by_key(customer_id, idempotency.key)
            if first is None:
                raise
            if first.idempotency is None or first.idempotency.fingerprint != idempotency.fingerprint:
                raise KeyReused from None
            return original_response(first)

    async def find_created(self, customer_id: UUID, booking_id: UUID) -> Booking | None:
        """Return the booking created under an id chosen in advance, with its first answer; None if there is none."""
        return await self._bookings.find_created(customer_id, booking_id)

    async def find_errors(self, wishes: Sequence[BookingDraft]) -> list[ApiError | None]:
        """Return the error that `claim` would raise for each wish now, or None, with one query for all wishes."""
        now = self._clock()
        laid_out = [build_calendar_and_visit(one.barber, one.services, now, frozenset(), one.travel) for one in wishes]
        told = [find_start_error(*one, wish.start) for wish, one in zip(wishes, laid_out, strict=True)]
        starts = [Span(tick, tick + 1) for tick in (tick_of(wish.start) for wish in wishes)]
        known = [
            required_span(*one, start) for one, start, no in zip(laid_out, starts, told, strict=True) if no is None
        ]
        if not known:
            return told
        first, end = min(span.start for span in known), max(span.end for span in known)
        taken = await self._bookings.get_occupied_ticks_by_barber(list({wish.barber.id for wish in wishes}), first, end)
        return [
            no or find_start_error(replace(calendar, taken=taken.get(wish.barber.id, frozenset())), visit, wish.start)
            for wish, (calendar, visit), no in zip(wishes, laid_out, told, strict=True)
        ]

    def preview_booking(self, wish: BookingDraft) -> Booking:
        """Build the booking that `claim` would store, without the seats under daily caps; nothing is checked."""
        return build_booking(wish, self._clock(), self._answer_within)

    async def claim(
        self, wish: BookingDraft, idempotency: Idempotency | None = None, *, may_come_again: bool = False
    ) -> Booking:
        """Claim the requested time, and one use of the promo code if the wish has a code.

        The first answer is stored with the booking if the request has a key, or if it `may_come_again` without a key.
        Raises SlotNotOffered, SlotTaken, PromoRefused, KeyInFlight, or BookingInFlight if the id was used.
        """
        # Occupied time is left out of the calendar: about that the database decides, in the insert itself.
        calendar, visit = build_calendar_and_visit(wish.barber, wish.services, self._clock(), frozenset(), wish.travel)
        if refused := find_start_error(calendar, visit, wish.start):
            raise refused
        if wish.promo_code is None or wish.customer_id is None:
            whole = self._build_booking(wish, calendar, idempotency, may_come_again=may_come_again)
            return await self._insert_with_seats(calendar, visit, whole)
        held_until = self._clock() + _CLAIMED_FOR
        discount = await self._promos.claim(wish.customer_id, wish.promo_code, wish.id, wish.priced, held_until)
        try:
            cheaper = replace(wish, discount=wish.discount or discount)
            whole = self._build_booking(cheaper, calendar, idempotency, may_come_again=may_come_again)
            booking = await self._insert_with_seats(calendar, visit, whole)
        except ApiError:  # after anything else it may have been stored all the same
            await self._promos.release(wish.id)
            raise
        await self._promos.keep(wish.id)
        return booking

    async def claim_offer(self, wish: BookingDraft, answer_by: datetime) -> Booking:
        """Claim the time for a waiting customer, pending the customer's answer. Raises SlotNotOffered or SlotTaken."""
        calendar, visit = build_calendar_and_visit(wish.barber, wish.services, self._clock(), frozenset(), wish.travel)
        if refused := find_start_error(calendar, visit, wish.start):
            raise refused
        return await self._insert_with_seats(
            calendar, visit, as_waitlist_offer(self._build_booking(wish, calendar, None), answer_by)
        )

    def _build_booking(
        self, wish: BookingDraft, calendar: Calendar, idempotency: Idempotency | None, *, may_come_again: bool = False
    ) -> Booking:
        booking = build_booking(wish, calendar.now, self._answer_within, idempotency)
        if idempotency is None and not may_come_again:
            return booking
        return msgspec.structs.replace(booking, first_answer=encode(booking_out(booking)))

    async def _insert_with_seats(self, calendar: Calendar, visit: VisitPlan, whole: Booking) -> Booking:
        barber_id, day = whole.barber_id, calendar.date_of(tick_of(whole.scheduled_at))

        async def insert(seats: list[int]) -> Booking:
            booking = msgspec.structs.replace(whole, ticks=[*whole.ticks, *seats]) if seats else whole
            await self._insert(booking)
            return booking

        async def claim() -> Booking:
            return await claim_seats(self._bookings, barber_id, visit, day, insert)

        try:
            return await claim()
        except (SlotTaken, SlotNotOffered):
            # Overdue requests hold their ticks until a job or another booking releases them.
            wanted = [*whole.ticks, *(seat for cap in visit.caps for seat in seats_of(cap, day))]
            if not await self._moves.expire_overdue_holding(barber_id, wanted):
                raise
            return await claim()

    async def build_draft(self, customer_id: UUID, wanted: VisitIn) -> BookingDraft:
        """Build the wish.

        Raises NotFound for the barber, and Invalid for services or a place that the barber does not offer.
        """
        barber = await self._barbers.get(wanted.barber_id)
        house_call = wanted.house_call
        return BookingDraft(
            id=new_id(),
            customer_id=customer_id,
            barber=barber,
            services=choose_services(barber, wanted.service_ids, wanted.add_on_ids),
            start=to_utc(wanted.scheduled_at, "scheduled_at"),
            house_call=build_house_call(barber, to_point(house_call.location), house_call.address)
            if house_call
            else None,
            terms=barber.terms,
            note=wanted.note,
        )


def build_house_call(barber: Barber, point: GeoPoint, address: str) -> HouseCall:
    """Raises Invalid where the barber does not go there."""
    way = travel_to(barber, point, "house_call.location")
    return HouseCall(point, address, way.distance_m, way.travel_min)


def idempotency_for(
    key: str | None, wanted: msgspec.Struct, start: datetime, about: UUID | None = None
) -> Idempotency | None:
    """With a fingerprint that is the same for the same wish, however its JSON and its `scheduled_at` were written."""
    if key is None:
        return None
    wish = msgspec.structs.replace(wanted, scheduled_at=start)
    return Idempotency(key, fingerprint_of(wish, about.bytes if about else b""))


def original_response(booking: Booking) -> BookingOut | Encoded:
    """Return the first answer to the request, regardless of later changes of the booking.

    Bookings of an earlier release have no stored answer; their first answer is derived from the history.
    """
    return response_as_created(booking) if booking.first_answer is None else Encoded(booking.first_answer)


def response_as_created(booking: Booking) -> BookingOut:
    """The booking as it was when it was made, as far as its history tells."""
    made = snapshot_at_version(booking, 1) or booking
    return booking_out(msgspec.structs.replace(made, customer_note=booking.history[0].note))
