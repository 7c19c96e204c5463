"""Create bookings: check a customer's request, and claim its time with the insert of one document."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.calendar_builder import build_calendar_and_visit, travel_to
from grome.barbers.models import Barber
from grome.barbers.service import BarberService, choose_services
from grome.bookings.booking_store import BookingStore
from grome.bookings.cap_seats import claim_seats
from grome.bookings.deposits import ClientHistory, Deposit
from grome.bookings.drafts import BookingDraft, PlatformTerms, as_waitlist_offer, build_booking, find_start_error
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Booking, BookingKey, HouseCall, Idempotency, snapshot_at_version
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn, BookingOut, VisitIn, booking_out
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import ApiError
from grome.common.geo import GeoPoint, to_point
from grome.common.ids import new_id
from grome.infrastructure.http.responses import encode
from grome.infrastructure.idempotency import Encoded, fingerprint_of
from grome.promos.redemptions import PromoRedemptions
from grome.scheduling.daily_caps import seat_ticks
from grome.scheduling.slots import Calendar, required_span
from grome.scheduling.ticks import Span, tick_of
from grome.scheduling.visit_plan import VisitPlan

# The use of a promo code is reserved for this long; the insert begins earlier than that.
_PROMO_RESERVATION: Final = timedelta(minutes=1)
# No-shows count for deposits by risk for this long, up to this number.
_NO_SHOWS_COUNT_FOR: Final = timedelta(days=365)
_MAX_NO_SHOWS: Final = 100


class BookingCreator:
    """Creates bookings for all features."""

    def __init__(
        self,
        bookings: BookingRepository,
        store: BookingStore,
        barbers: BarberService,
        lifecycle: BookingLifecycle,
        promos: PromoRedemptions,
        platform: PlatformTerms,
        clock: Clock,
    ) -> None:
        self._bookings, self._store, self._barbers = bookings, store, barbers
        self._lifecycle, self._promos = lifecycle, promos
        self._platform, self._clock = platform, clock

    async def create(self, actor: Actor, wanted: BookingIn, key: str | None) -> BookingOut | Encoded:
        """Claim the requested time, or return the first answer again if `key` was used before.

        Raises NotFound for the barber, Invalid for a service, SlotNotOffered, SlotTaken, PromoRefused, KeyReused or
        KeyInFlight.
        """
        idempotency = idempotency_for(key, wanted, to_utc(wanted.scheduled_at, "scheduled_at"))

        async def make(booking_key: BookingKey | None) -> Booking:
            draft = await self.build_draft(actor.id, wanted)
            return await self.claim(replace(draft, promo_code=wanted.promo_code), booking_key)

        return await self.run_idempotent(actor.id, idempotency, make)

    async def run_idempotent(
        self,
        customer_id: UUID,
        idempotency: Idempotency | None,
        make: Callable[[BookingKey | None], Awaitable[Booking]],
        *,
        any_barber: bool = False,
    ) -> BookingOut | Encoded:
        """Run `make` once under the key, or return the first answer again.

        `any_barber` says that `make` chooses the barber. Raises the errors of `make`, KeyReused, and KeyInFlight.
        """
        if idempotency is None:
            return original_response(await make(None))
        key = BookingKey(idempotency.key, idempotency.fingerprint)
        return original_response(await self._store.run_once(customer_id, key, make, any_barber=any_barber))

    async def find_created(self, customer_id: UUID, booking_id: UUID) -> Booking | None:
        """Return the booking created under an id chosen in advance, with its first answer; None if there is none."""
        return await self._bookings.find_created(customer_id, booking_id)

    async def find_errors(self, drafts: Sequence[BookingDraft]) -> list[ApiError | None]:
        """Return the error that `claim` would raise for each draft now, or None, with one query for all drafts."""
        now = self._clock()
        plans = [_plan(draft, now) for draft in drafts]
        errors = [find_start_error(*plan, draft.start) for draft, plan in zip(drafts, plans, strict=True)]
        starts = [Span(tick, tick + 1) for tick in (tick_of(draft.start) for draft in drafts)]
        required = [
            required_span(*plan, start)
            for plan, start, error in zip(plans, starts, errors, strict=True)
            if error is None
        ]
        if not required:
            return errors
        first, end = min(span.start for span in required), max(span.end for span in required)
        barber_ids = list({draft.barber.id for draft in drafts})
        taken = await self._bookings.get_occupied_ticks_by_barber(barber_ids, first, end)
        return [
            error
            or find_start_error(replace(calendar, taken=taken.get(draft.barber.id, frozenset())), visit, draft.start)
            for draft, (calendar, visit), error in zip(drafts, plans, errors, strict=True)
        ]

    async def calculate_deposit(self, draft: BookingDraft) -> Deposit:
        """Calculate the deposit; the customer's earlier visits are read only if the barber's rules need them."""
        if draft.customer_id is None or not draft.barber.deposit_rules.need_client_history:
            return draft.deposit_by(self._platform)
        since = self._clock() - _NO_SHOWS_COUNT_FOR
        missed = await self._bookings.list_missed_barbers(draft.customer_id, since, _MAX_NO_SHOWS)
        client = ClientHistory(
            is_new=not await self._bookings.has_completed(draft.customer_id, draft.barber.id),
            no_shows=missed.count(draft.barber.id),
            no_shows_anywhere=len(missed),
        )
        return draft.deposit_by(self._platform, client)

    def preview_booking(self, draft: BookingDraft) -> Booking:
        """Build the booking that `claim` would store, without the seats under daily caps; nothing is checked."""
        return build_booking(draft, self._clock(), self._platform)

    async def claim(
        self, draft: BookingDraft, key: BookingKey | None = None, *, may_come_again: bool = False
    ) -> Booking:
        """Claim the requested time, and one use of the promo code if the draft has a code.

        The first answer is stored with the booking if the request has a key, or if it `may_come_again` without a key.
        Raises SlotNotOffered, SlotTaken, PromoRefused, KeyInFlight, or BookingInFlight if the id was used.
        """
        calendar, visit = self._plan_offered(draft)
        if draft.promo_code is None or draft.customer_id is None:
            booking = await self._build_booking(draft, calendar, key, may_come_again=may_come_again)
            return await self._insert_with_seats(calendar, visit, booking)
        held_until = self._clock() + _PROMO_RESERVATION
        discount = await self._promos.claim(draft.customer_id, draft.promo_code, draft.id, draft.priced, held_until)
        try:
            discounted = replace(draft, discount=draft.discount or discount)
            booking = await self._build_booking(discounted, calendar, key, may_come_again=may_come_again)
            booking = await self._insert_with_seats(calendar, visit, booking)
        except ApiError:  # after any other error the booking may be stored, so the code stays reserved
            await self._promos.release(draft.id)
            raise
        await self._promos.confirm(draft.id)
        return booking

    async def claim_offer(self, draft: BookingDraft, answer_by: datetime) -> Booking:
        """Claim the time for a waiting customer, pending the customer's answer. Raises SlotNotOffered or SlotTaken."""
        calendar, visit = self._plan_offered(draft)
        booking = as_waitlist_offer(await self._build_booking(draft, calendar, None), answer_by)
        return await self._insert_with_seats(calendar, visit, booking)

    def _plan_offered(self, draft: BookingDraft) -> tuple[Calendar, VisitPlan]:
        """Return the plan of a draft. Raises SlotNotOffered if the barber does not offer the start."""
        calendar, visit = _plan(draft, self._clock())
        if error := find_start_error(calendar, visit, draft.start):
            raise error
        return calendar, visit

    async def _build_booking(
        self, draft: BookingDraft, calendar: Calendar, key: BookingKey | None, *, may_come_again: bool = False
    ) -> Booking:
        if draft.deposit is None:
            draft = replace(draft, deposit=(await self.calculate_deposit(draft)).amount)
        booking = build_booking(draft, calendar.now, self._platform, key)
        if key is None and not may_come_again:
            return booking
        return msgspec.structs.replace(booking, first_answer=encode(booking_out(booking)))

    async def _insert_with_seats(self, calendar: Calendar, visit: VisitPlan, booking: Booking) -> Booking:
        barber_id, day = booking.barber_id, calendar.date_of(tick_of(booking.scheduled_at))

        async def insert(seats: list[int]) -> Booking:
            with_seats = msgspec.structs.replace(booking, ticks=[*booking.ticks, *seats]) if seats else booking
            await self._store.insert(with_seats)
            return with_seats

        async def claim() -> Booking:
            return await claim_seats(self._bookings, barber_id, visit, day, insert)

        def claimable() -> list[int]:
            return [*booking.ticks, *(seat for cap in visit.caps for seat in seat_ticks(cap, day))]

        return await self._lifecycle.claim_after_expiry(barber_id, claimable, claim)

    async def build_draft(self, customer_id: UUID, wanted: VisitIn) -> BookingDraft:
        """Build the draft of a requested visit.

        Raises NotFound for the barber, and Invalid for services or a house call that the barber does not offer.
        """
        barber = await self._barbers.get_approved(wanted.barber_id)
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


def _plan(draft: BookingDraft, now: datetime) -> tuple[Calendar, VisitPlan]:
    # Occupied time is left out of the calendar: the database decides about it, in the insert itself.
    return build_calendar_and_visit(draft.barber, draft.services, now, frozenset(), draft.travel)


def build_house_call(barber: Barber, point: GeoPoint, address: str) -> HouseCall:
    """Build the house call with its travel. Raises Invalid if the barber does not travel to the point."""
    travel = travel_to(barber, point, "house_call.location")
    return HouseCall(point, address, travel.distance_m, travel.travel_min)


def idempotency_for(
    key: str | None, wanted: msgspec.Struct, start: datetime, about: UUID | None = None
) -> Idempotency | None:
    """Return the key with a fingerprint of the request, regardless of the notation of its JSON and `scheduled_at`."""
    if key is None:
        return None
    normalized = msgspec.structs.replace(wanted, scheduled_at=start)
    return Idempotency(key, fingerprint_of(normalized, about.bytes if about else b""))


def original_response(booking: Booking) -> BookingOut | Encoded:
    """Return the first answer to the request, regardless of later changes of the booking.

    Bookings of an earlier release have no stored answer; their first answer is derived from the history.
    """
    return response_as_created(booking) if booking.first_answer is None else Encoded(booking.first_answer)


def response_as_created(booking: Booking) -> BookingOut:
    """Return the booking in its first version, reconstructed from its history."""
    created = snapshot_at_version(booking, 1) or booking
    return booking_out(msgspec.structs.replace(created, customer_note=booking.history[0].note))
