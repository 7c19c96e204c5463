"""Uses of promo codes: claimed before their booking is stored, kept after it, and given back where there is none.

A use is one document under the id of its booking. So whoever finds a hold whose time is over sees from the bookings
what became of it, and nothing is lost with a process that died on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.bookings.models import Booking, Discount
from grome.bookings.service import BookingService
from grome.common.clock import Clock
from grome.common.each import Sweep
from grome.common.errors import Unavailable
from grome.common.mongo_places import lowest_free
from grome.events.models import Event, EventType
from grome.promos.errors import PromoRefused
from grome.promos.models import NotUsable, PricedVisit, Promo, PromoUse
from grome.promos.repository import LapsedUse, PromoRepository, PromoUseRepository
from grome.promos.rules import discount, is_given_back
from grome.promos.seats import TotalSeats

# A firm claim is left alone for so long after its time: longer than any setting lets a write take, so a booking whose
# insert was on its way at the end is stored by then, or never.
GRACE: Final = timedelta(minutes=3)
# Each time another claim was quicker, and has the seat; so often in a row only a fault can lose.
_ATTEMPTS: Final = 50
_AT_ONCE: Final = 500
_ENDS: Final = frozenset({EventType.BOOKING_DECLINED, EventType.BOOKING_CANCELLED, EventType.BOOKING_EXPIRED})


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is asked for; `code` is in upper case, and `until` has the grace in it."""

    customer_id: UUID
    code: str
    holder_id: UUID
    visit: PricedVisit
    until: datetime
    firm: bool


class PromoClaims:
    def __init__(
        self, promos: PromoRepository, uses: PromoUseRepository, bookings: BookingService, clock: Clock
    ) -> None:
        self._promos, self._uses, self._bookings, self._clock = promos, uses, bookings, clock
        self._seats = TotalSeats(uses, clock)
        self._lapsed = Sweep("sweep_promo_holds", lambda after, limit: uses.lapsed_ids(clock(), after, limit), _AT_ONCE)

    async def claim(
        self,
        customer_id: UUID,
        code: str,
        holder_id: UUID,
        visit: PricedVisit,
        held_until: datetime,
        *,
        firm: bool = True,
    ) -> Discount:
        """Claim a use for the booking that has or will have the id `holder_id`, and tell what it takes off.

        A quote's claim is not `firm`: it yields to a newer claim of the same customer. Before the booking is stored it
        is claimed again under the same id, firmly; the insert has to begin before `held_until`, and `keep` follows it.
        A repeat gets the first answer, and the later of both times. Raises PromoRefused.
        """
        until = held_until + GRACE if firm else held_until
        wanted = _Claim(customer_id, code.upper(), holder_id, visit, until, firm)
        for _ in range(_ATTEMPTS):
            use = await self._composed(wanted)
            if isinstance(use, PromoUse) and await self._uses.add(use):
                return Discount(use.code, use.amount)
            # A repeat may be refused for the very use that the first claim made, so that is looked for only now.
            if held := await self._again(wanted):
                return Discount(held.code, held.amount)
            if isinstance(use, NotUsable):
                raise PromoRefused(use.value, use.sentence)
        raise Unavailable("The promo code is in great demand; try again.")

    async def keep(self, holder_id: UUID) -> None:
        """The booking is stored. Where this is missed, the sweep sees it from the bookings."""
        await self._uses.keep(holder_id)

    async def release(self, holder_id: UUID) -> None:
        """Give the use back, unless there is a booking that has it: another request may have stored it meanwhile.

        Not for a booking of which it is unknown whether it was stored: that one's use is left to the sweep.
        """
        await self._settle(await self._uses.find_many([holder_id]))

    async def follow(self, events: Sequence[Event]) -> None:
        """Follows events: bookings that end give their uses back, where `is_given_back` says so."""
        if ended := [event.subject_id for event in events if event.type in _ENDS]:
            await self._settle(await self._uses.find_many(ended))

    async def sweep(self) -> int:
        """Settle what was held for long enough; returns how many uses were given back."""
        freed = 0

        async def settle(lapsed: LapsedUse) -> None:
            nonlocal freed
            uses = await self._uses.find_many([lapsed.id])
            freed += await self._settle([use for use in uses if use.held_until == lapsed.held_until])

        await self._lapsed.run(settle)
        return freed

    async def _composed(self, wanted: _Claim) -> PromoUse | NotUsable:
        """The use that would be added now, on seats that are free."""
        now = self._clock()
        found = await self._usable(wanted, now)
        if isinstance(found, NotUsable):
            return found
        promo, amount = found
        if promo.first_visit_only and await self._bookings.has_booked(wanted.customer_id, promo.owner_id):
            return NotUsable.FIRST_VISIT_ONLY
        if (customer_seat := await self._customer_seat(promo, wanted)) is None:
            return NotUsable.USED_UP_BY_YOU
        if (total_seat := await self._total_seat(promo)) is None:
            return NotUsable.EXHAUSTED
        return PromoUse(
            id=wanted.holder_id,
            promo_id=promo.id,
            customer_id=wanted.customer_id,
            total_seat=total_seat,
            customer_seat=customer_seat,
            code=promo.code,
            amount=amount,
            currency=wanted.visit.currency,
            held_until=wanted.until,
            firm=wanted.firm,
            at=now,
        )

    async def _usable(self, wanted: _Claim, now: datetime) -> tuple[Promo, int] | NotUsable:
        """The barber's own promo, or the platform's where that one cannot be used; other barbers' are unknown."""
        refused = NotUsable.UNKNOWN
        for promo in await self._promos.with_code(wanted.code, wanted.visit.barber_id):
            off = discount(promo, wanted.visit, now)
            if isinstance(off, int):
                return promo, off
            refused = off
        return refused

    async def _customer_seat(self, promo: Promo, wanted: _Claim) -> int | None:
        """Quotes of the same customer yield, the oldest first, as does what has lapsed.

        A repeat takes nobody's place; its own seat counts as free, should it have been lost in between.
        """
        mine = await self._uses.of_customer(promo.id, wanted.customer_id)
        others = [use for use in mine if use.id != wanted.holder_id]
        if promo.uses_each is not None and (surplus := len(others) - promo.uses_each + 1) > 0:
            yielding = [use for use in others if self._yields(use)][:surplus]
            if len(others) < len(mine) or len(yielding) < surplus or await self._settle(yielding) < surplus:
                return None
            others = [use for use in others if use not in yielding]
        return lowest_free(use.customer_seat for use in others)

    def _yields(self, use: PromoUse) -> bool:
        return use.held_until is not None and (not use.firm or use.held_until <= self._clock())

    async def _total_seat(self, promo: Promo) -> int | None:
        seat = await self._seats.free(promo)
        if seat is None and await self._settle(await self._uses.lapsed(self._clock(), _AT_ONCE, promo.id)):
            seat = await self._seats.free(promo)
        return seat

    async def _again(self, wanted: _Claim) -> PromoUse | None:
        """What was claimed under this id before, held for as long as is asked now; None where it is there no more."""
        while use := await self._uses.find(wanted.holder_id):
            if (use.customer_id, use.code) != (wanted.customer_id, wanted.code):
                raise ValueError(f"Another code, or another customer's, is claimed under {use.id}")
            if use.held_until is None:
                return use
            until, firm = max(use.held_until, wanted.until), use.firm or wanted.firm
            if (until, firm) == (use.held_until, use.firm) or await self._uses.hold(use, until, firm=firm):
                return use
        return None

    async def _settle(self, uses: Sequence[PromoUse]) -> int:
        """Keep those whose booking counts, give back the others; returns how many were given back."""
        bookings = await self._bookings.find_many([use.id for use in uses]) if uses else {}
        freed = [use.promo_id for use in uses if await self._is_removed(use, bookings.get(use.id))]
        if freed:
            await self._promos.note_given_back(set(freed))
            self._seats.forget(freed)
        return len(freed)

    async def _is_removed(self, use: PromoUse, booking: Booking | None) -> bool:
        if booking is None:
            return await self._uses.remove_as_read(use)  # whoever holds it anew or keeps it may be quicker
        if is_given_back(booking):
            return await self._uses.remove(use.id)
        await self._uses.keep(use.id)
        return False
