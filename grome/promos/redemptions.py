"""Claim, confirm and release the uses of promo codes.

A use is claimed before its booking is stored, confirmed after it, and released if there is no booking. A use is one
document under the id of its booking. The state of an overdue hold follows from the bookings, so nothing is lost with a
process that died in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from grome.common.clock import Clock
from grome.common.errors import Unavailable
from grome.infrastructure.isolated_items import Sweep
from grome.infrastructure.mongo.numbered_documents import lowest_free
from grome.infrastructure.outbox.models import Event, EventType
from grome.promos.errors import PromoRefused
from grome.promos.models import (
    BARBER,
    PLATFORM,
    BookedUse,
    Discount,
    PricedVisit,
    Promo,
    PromoUse,
    RejectionReason,
)
from grome.promos.repository import LapsedUse, PromoRepository, PromoUseRepository
from grome.promos.rules import calculate_discount
from grome.promos.use_slots import UseSlotFinder

# A firm claim is held this long after its time: longer than any setting lets a write take. An insert of its booking
# that was in flight at the end has succeeded or failed by then.
HOLD_GRACE: Final = timedelta(minutes=3)
# At each attempt another claim may take the slot first; only a fault can lose this many in a row.
_MAX_ATTEMPTS: Final = 50
_REAP_BATCH: Final = 500
_ENDING_EVENTS: Final = frozenset(
    {
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_EXPIRED,
        EventType.BOOKING_NO_SHOW,  # if the barber was late
    }
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A request for a use; `code` is in upper case, and `until` includes the grace."""

    customer_id: UUID
    code: str
    holder_id: UUID
    visit: PricedVisit
    until: datetime
    firm: bool


class _UseSlots(NamedTuple):
    """The slots for a use. The slots of the hold `takes_over` are free only if the use replaces this hold."""

    total: int
    customer: int
    takes_over: PromoUse | None = None


class _PlannedUse(NamedTuple):
    """A use to store now, in place of the customer's hold `takes_over` if there is one."""

    use: PromoUse
    takes_over: PromoUse | None
    is_held: bool


class PromoBookings(Protocol):
    """The bookings, as far as promos depend on them."""

    async def has_booked(self, customer_id: UUID, barber_id: UUID | None) -> bool:
        """Return whether the customer has a booking that is not cancelled, with one barber or with any barber."""

    async def booked_uses(self, booking_ids: Sequence[UUID]) -> Mapping[UUID, BookedUse]:
        """Return the state of each existing booking; a use has the id of its booking."""


class PromoRedemptions:
    def __init__(
        self, promos: PromoRepository, uses: PromoUseRepository, bookings: PromoBookings, clock: Clock
    ) -> None:
        self._promos, self._uses, self._bookings, self._clock = promos, uses, bookings, clock
        self._slots = UseSlotFinder(uses, clock)
        self._lapsed = Sweep(
            "sweep_promo_holds", lambda after, limit: uses.list_lapsed(clock(), after, limit), _REAP_BATCH
        )

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
        """Claim a use for the present or future booking `holder_id`, and return the discount.

        A quote's claim is not `firm`: it takes over the customer's hold of this promo, and yields to a newer claim of
        the same customer. If the customer's quotes have held a use for long enough, a quote holds none; it then returns
        the discount as long as a use is left. Before the booking is stored, the use is claimed again under the same id,
        firmly. The insert has to begin before `held_until`, and `confirm` follows the insert. A repeat gets the first
        discount, and the later of both times. Raises PromoRefused if the code cannot be used.
        """
        until = held_until + HOLD_GRACE if firm else held_until
        request = _Claim(customer_id, code.upper(), holder_id, visit, until, firm)
        for _ in range(_MAX_ATTEMPTS):
            plan = await self._plan(request)
            if isinstance(plan, _PlannedUse) and await self._store(plan):
                return plan.use.discount
            # A repeat may be refused because of the use of the first claim, so this use is looked up only now.
            if held := await self._find_repeat(request):
                return held.discount
            if isinstance(plan, RejectionReason):
                raise PromoRefused(plan.value, plan.sentence)
        raise Unavailable("Too many requests use this promo code; try again.")

    async def confirm(self, holder_id: UUID) -> None:
        """Confirm the use of a stored booking. If this call is missed, `reap` decides from the bookings."""
        await self._uses.confirm(holder_id)

    async def release(self, holder_id: UUID) -> None:
        """Give the use back unless a booking has it: another request may have stored the booking meanwhile.

        If it is unknown whether the booking was stored, do not call this: `reap` decides about its use.
        """
        await self._settle(await self._uses.find_many([holder_id]))

    async def handle(self, events: Sequence[Event]) -> None:
        """Give back the uses of bookings that have ended, if their ends give them back."""
        if ended := [event.subject_id for event in events if event.type in _ENDING_EVENTS]:
            await self._settle(await self._uses.find_many(ended))

    async def reap(self) -> int:
        """Settle the overdue holds; returns the number of uses that were given back."""
        freed = 0

        async def settle(lapsed: LapsedUse) -> None:
            nonlocal freed
            uses = await self._uses.find_many([lapsed.id])
            freed += await self._settle([use for use in uses if use.held_until == lapsed.held_until])

        await self._lapsed.run(settle)
        return freed

    async def _plan(self, request: _Claim) -> _PlannedUse | RejectionReason | None:
        """Plan a use of the barber's own promo, or of the platform's if the barber's cannot be used.

        Promos of other barbers are unknown. Returns the reason of the barber's own promo if neither can be used, and
        None for a repeat, which has its use already.
        """
        refused: RejectionReason | None = None
        for promo in await self._promos.list_by_code(request.code, request.visit.barber_id):
            plan = await self._plan_with(promo, request, self._clock())
            if not isinstance(plan, RejectionReason):
                return plan
            refused = refused or plan
        return refused or RejectionReason.UNKNOWN

    async def _plan_with(self, promo: Promo, request: _Claim, now: datetime) -> _PlannedUse | RejectionReason | None:
        amount = calculate_discount(promo, request.visit, now)
        if isinstance(amount, RejectionReason):
            return amount
        if promo.first_visit_only and await self._bookings.has_booked(request.customer_id, promo.owner_id):
            return RejectionReason.FIRST_VISIT_ONLY
        seats = await self._find_slots(promo, request)
        if not isinstance(seats, _UseSlots):
            return seats
        first_visit_of = promo.first_visit_of(request.visit.barber_id) if request.firm else []
        # Another use of the same promo takes the customer's slot, and is rejected for that reason.
        if await self._has_competing_first_visit(request, first_visit_of, ignored_promo=promo.id):
            return RejectionReason.FIRST_VISIT_ONLY
        until = request.until
        if not request.firm:
            until = min(until, await self._uses.get_hold_end(promo.id, request.customer_id, now))
        use = PromoUse(
            id=request.holder_id,
            promo_id=promo.id,
            customer_id=request.customer_id,
            total_seat=seats.total,
            customer_seat=seats.customer,
            code=promo.code,
            amount=amount,
            currency=request.visit.currency,
            held_until=until,
            firm=request.firm,
            first_visit_of=first_visit_of,
            funder=BARBER if promo.owner_id else PLATFORM,
            at=now,
        )
        return _PlannedUse(use, seats.takes_over, is_held=until > now)

    async def _store(self, plan: _PlannedUse) -> bool:
        if not plan.is_held:
            return True
        if plan.takes_over:
            return await self._uses.replace_hold(plan.takes_over, plan.use)
        return await self._uses.add(plan.use)

    async def _has_competing_first_visit(
        self, request: _Claim, first_visit_of: Sequence[UUID], ignored_promo: UUID | None = None
    ) -> bool:
        """Return whether another use has a first visit of the customer, even for a booking that is not yet stored.

        Uses of the promo `ignored_promo` do not count.
        """
        if not first_visit_of:
            return False
        found = await self._uses.list_first_visits(request.customer_id, first_visit_of)
        rivals = [use for use in found if use.id != request.holder_id and use.promo_id != ignored_promo]
        return len(rivals) > await self._settle([use for use in rivals if self._has_lapsed(use)])

    async def _find_slots(self, promo: Promo, request: _Claim) -> _UseSlots | RejectionReason | None:
        """Return free slots, or the slots of the customer's own hold. Returns None for a repeat."""
        mine = await self._uses.list_for_customer(promo.id, request.customer_id)
        if any(use.id == request.holder_id for use in mine):
            return None
        hold = next((use for use in mine if not use.firm), None)
        if (
            promo.limit_per_customer is not None
            and (surplus := sum(use.firm for use in mine) - promo.limit_per_customer + 1) > 0
        ):
            lapsed = [use for use in mine if use.firm and self._has_lapsed(use)][:surplus]
            if len(lapsed) < surplus or await self._settle(lapsed) < surplus:
                return RejectionReason.USED_UP_BY_YOU
            mine = [use for use in mine if use not in lapsed]
        is_full = promo.limit_per_customer is not None and len(mine) >= promo.limit_per_customer
        if hold and (is_full or not request.firm):
            return _UseSlots(hold.total_seat, hold.customer_seat, hold)
        total = await self._find_total_slot(promo)
        if total is not None:
            return _UseSlots(total, lowest_free(use.customer_seat for use in mine))
        return _UseSlots(hold.total_seat, hold.customer_seat, hold) if hold else RejectionReason.EXHAUSTED

    def _has_lapsed(self, use: PromoUse) -> bool:
        return use.held_until is not None and use.held_until <= self._clock()

    async def _find_total_slot(self, promo: Promo) -> int | None:
        seat = await self._slots.find_free(promo)
        if seat is None and await self._settle(await self._uses.list_lapsed_of(self._clock(), _REAP_BATCH, promo.id)):
            seat = await self._slots.find_free(promo)
        return seat

    async def _find_repeat(self, request: _Claim) -> PromoUse | None:
        """Return the earlier use under this id, held for the requested time; returns None if it is gone.

        Raises PromoRefused if the use was a quote's and another code has taken the customer's first visit meanwhile.
        """
        while use := await self._uses.find(request.holder_id):
            if (use.customer_id, use.code) != (request.customer_id, request.code):
                raise ValueError(f"Another code, or another customer's, is claimed under {use.id}")
            if use.held_until is None or not request.firm or (use.firm and use.held_until >= request.until):
                return use
            promo = await self._promos.find({}, use.promo_id)
            first_visit_of = promo.first_visit_of(request.visit.barber_id) if promo else []
            if await self._has_competing_first_visit(request, first_visit_of):
                refused = RejectionReason.FIRST_VISIT_ONLY
                raise PromoRefused(refused.value, refused.sentence)
            if await self._uses.make_firm(use, max(use.held_until, request.until), first_visit_of):
                return use
        return None

    async def _settle(self, uses: Sequence[PromoUse]) -> int:
        """Confirm the uses with a booking that counts, give back the others; returns the number given back."""
        booked = await self._bookings.booked_uses([use.id for use in uses]) if uses else {}
        freed = [use.promo_id for use in uses if await self._settle_use(use, booked.get(use.id))]
        if freed:
            await self._promos.increment_given_back(set(freed))
            self._slots.invalidate(freed)
        return len(freed)

    async def _settle_use(self, use: PromoUse, booked: BookedUse | None) -> bool:
        if booked is None:
            return await self._uses.remove_if_unchanged(use)  # a new hold or a `confirm` may come first
        if booked.is_given_back:
            return await self._uses.remove(use.id)
        await self._uses.confirm(use.id, is_visit=booked.is_visit)
        return False
