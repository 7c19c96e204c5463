"""Taking a time: from what a customer wants to the one document that claims it."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from grome.availability.slots import Calendar, obstacle, occupied_ticks
from grome.barbers.models import Barber, OfferedService
from grome.barbers.service import BarberService, chosen_offers
from grome.bookings.errors import KeyReused, SlotNotOffered
from grome.bookings.models import (
    Action,
    BookedService,
    Booking,
    HistoryEntry,
    Idempotency,
    Party,
    Payment,
    PaymentStatus,
    Status,
)
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingIn, BookingOut, booking_out
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
            return booking_out(await self._claim(actor, wanted, idempotency))
        except Refusal:
            # Asked only now, so that the ordinary request pays for no look-up: whatever refuses a repeat, be it the
            # booking that the first request made or the clock, the first answer counts.
            if idempotency is None:
                raise
            first = await self._bookings.find_by_key(actor.id, idempotency.key)
            if first is None:
                raise
            return _first_answer(first, idempotency)

    async def _claim(self, actor: Actor, wanted: BookingIn, idempotency: Idempotency | None) -> Booking:
        barber = await self._barbers.find(wanted.barber_id)
        offers = chosen_offers(barber, wanted.service_ids)
        start = to_utc(wanted.scheduled_at, "scheduled_at")
        duration = sum(offer.duration_min for offer in offers)
        now = self._clock()
        # Occupied time is left out of the calendar: about that the database decides, in the insert itself.
        calendar = Calendar(ZoneInfo(barber.timezone), barber.availability, barber.rules, now)
        if refused := obstacle(calendar, start, duration):
            raise SlotNotOffered(refused.value, refused.sentence)
        booking = self._compose(actor.id, barber, offers, start, now, idempotency)
        await self._insert(booking)
        return booking

    def _compose(
        self,
        customer_id: UUID,
        barber: Barber,
        offers: list[OfferedService],
        start: datetime,
        now: datetime,
        idempotency: Idempotency | None,
    ) -> Booking:
        duration = sum(offer.duration_min for offer in offers)
        price = sum(offer.price for offer in offers)
        status = Status.ACCEPTED if barber.rules.auto_accept else Status.REQUESTED
        created = HistoryEntry(
            id=new_id(),
            version=1,
            action=Action.CREATE,
            status=status,
            by=Party.CUSTOMER,
            actor_id=customer_id,
            at=now,
            scheduled_at=start,
        )
        return Booking(
            id=new_id(),
            customer_id=customer_id,
            barber_id=barber.id,
            services=[BookedService(offer.service_id, offer.name, offer.price, offer.duration_min) for offer in offers],
            scheduled_at=start,
            ends_at=start + timedelta(minutes=duration),
            ticks=occupied_ticks(barber.rules, start, duration),
            active=True,
            status=status,
            price=price,
            currency=barber.currency,
            payment=Payment(PaymentStatus.PENDING, price, barber.currency),
            version=1,
            awaits=None if barber.rules.auto_accept else Party.BARBER,
            answer_by=None if barber.rules.auto_accept else min(now + self._answer_within, start),
            terms=barber.terms,
            idempotency=idempotency,
            history=[created],
            created_at=now,
        )


def _fingerprint(wanted: BookingIn) -> bytes:
    """The same for the same wish, however its JSON was written."""
    wish = msgspec.structs.replace(wanted, scheduled_at=to_utc(wanted.scheduled_at, "scheduled_at"))
    return hashlib.sha256(msgspec.json.encode(wish)).digest()


def _first_answer(booking: Booking, idempotency: Idempotency) -> BookingOut:
    """The booking as it was answered when it was made, whatever became of it since."""
    if booking.idempotency is None or booking.idempotency.fingerprint != idempotency.fingerprint:
        raise KeyReused from None
    made = booking.history[0]
    return booking_out(msgspec.structs.replace(booking, status=made.status, reason=None, version=made.version))
