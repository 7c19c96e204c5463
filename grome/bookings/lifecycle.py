"""Change the status of bookings, by the transitions in `models.py` and the windows in `windows.py`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from loguru import logger
from msgspec import structs

from grome.barbers.service import BarberService
from grome.bookings.cancellation_policy import free_until, settlement_for
from grome.bookings.claimed_time import early_start_ticks, fields_for_early_start, fields_for_end
from grome.bookings.drafts import PlatformTerms
from grome.bookings.errors import KeepsChanging, SettlementChanged, SlotNotOffered, SlotTaken, WrongState
from grome.bookings.models import (
    TRANSITIONS,
    Action,
    Booking,
    Party,
    Payment,
    Settlement,
    Status,
    Transition,
    cancellation_reason,
    party_of,
)
from grome.bookings.repository import BookingRepository, Deadline
from grome.bookings.schemas import BookingOut, CancelIn, CancellationOut, booking_out
from grome.bookings.updates import (
    ATTEMPTS,
    SYSTEM_AUTHOR,
    Author,
    BookingUpdate,
    BookingUpdater,
    author_of,
    build_cancellation,
)
from grome.bookings.windows import CLOSE_AFTER_END, window_of
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Forbidden, NotFound
from grome.infrastructure.isolated_items import Sweep, for_each
from grome.infrastructure.mongo.client import Document
from grome.scheduling.offers import ChosenService
from grome.scheduling.ticks import tick_of
from grome.scheduling.visit_plan import rules_for

T = TypeVar("T")
_SWEEP_BATCH: Final = 500


class BookingLifecycle:
    """Applies actions to bookings, and closes overdue bookings."""

    def __init__(
        self,
        bookings: BookingRepository,
        updater: BookingUpdater,
        barbers: BarberService,
        platform: PlatformTerms,
        clock: Clock,
    ) -> None:
        self._bookings, self._updater, self._barbers = bookings, updater, barbers
        self._platform, self._clock = platform, clock
        self._unanswered = Sweep(
            "expire_unanswered", lambda after, limit: bookings.list_unanswered(clock(), after, limit), _SWEEP_BATCH
        )
        self._unpaid = Sweep(
            "expire_unpaid", lambda after, limit: bookings.list_unpaid(clock(), after, limit), _SWEEP_BATCH
        )
        self._unended = Sweep(
            "close_overdue",
            lambda after, limit: bookings.list_unended(clock() - CLOSE_AFTER_END, after, limit),
            _SWEEP_BATCH,
        )

    async def apply_action(self, actor: Actor, booking_id: UUID, action: Action, note: str | None = None) -> BookingOut:
        """Accept, decline, start or complete a booking, or record a no-show; a repeat changes nothing and is no error.

        Raises NotFound if the booking is not the actor's, WrongState if the booking is past this action or awaits
        another party, and OutsideWindow if it is too early or too late for the action (`windows.py`).
        """
        by = author_of(actor)
        rule = partial(self._plan_update, by, action, note)
        for _ in range(ATTEMPTS):
            try:
                return booking_out(await self._updater.update(by, booking_id, rule))
            except SlotTaken:  # a tick of the early start was taken after it was read as free
                continue
        raise KeepsChanging

    async def cancel(self, actor: Actor, booking_id: UUID, wanted: CancelIn) -> BookingOut:
        """Cancel a booking as `apply_action` does.

        Raises SettlementChanged too, if the cost differs from the cost that the client expects.
        """
        by = author_of(actor)

        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            update = await self._plan_update(by, Action.CANCEL, wanted.note, booking, now)
            if update and update.reason:
                _check_expected(wanted, settlement_for(booking, update.reason, now))
            return update

        return booking_out(await self._updater.update(by, booking_id, rule))

    async def preview_cancellation(self, actor: Actor, booking_id: UUID) -> CancellationOut:
        """Preview the result of `cancel` at this moment. Raises the same errors."""
        booking, now = await self._updater.get_current(author_of(actor), booking_id)
        party = party_of(actor.role)
        reason = cancellation_reason(Action.CANCEL, party)
        if detail := _reason_not_allowed(booking, TRANSITIONS[Action.CANCEL], party):
            raise WrongState(detail)
        if reason is None:
            raise WrongState
        window_of(booking, Action.CANCEL, party).check(now)
        cost = settlement_for(booking, reason, now)
        until = free_until(booking) if party is Party.CUSTOMER else None
        return CancellationOut(cost.fee, cost.refund, cost.due, booking.currency, until, now)

    async def expire_unanswered(self) -> int:
        """Expire the requests without an answer in time, which frees their ticks; return the number of requests."""
        return await self._expire(self._unanswered)

    async def expire_unpaid(self) -> int:
        """Expire the bookings without a deposit in time, which frees their ticks; return the number of bookings."""
        return await self._expire(self._unpaid)

    async def _expire(self, sweep: Sweep[Deadline]) -> int:
        ended = 0

        async def expire(overdue: Deadline) -> None:
            nonlocal ended
            try:
                await self._updater.update(SYSTEM_AUTHOR, overdue.id, _require_expired)
                ended += 1
            except WrongState:
                logger.info("Booking {} was answered or paid while it was about to expire", overdue.id)

        await sweep.run(expire)
        return ended

    async def close_overdue(self) -> int:
        """Close the bookings past their last window; return the number of closed bookings."""
        closed = 0

        async def close(overdue: Deadline) -> None:
            nonlocal closed
            await self._updater.get_current(SYSTEM_AUTHOR, overdue.id)
            closed += 1

        await self._unended.run(close)
        return closed

    async def expire_overdue_holding(self, barber_id: UUID, ticks: Sequence[int]) -> int:
        """End the overdue requests, proposals and unpaid bookings that hold one of these ticks or seats.

        Returns their number.
        """
        overdue = await self._bookings.list_overdue_holding(barber_id, ticks, self._clock())
        expire = partial(self._updater.get_current, SYSTEM_AUTHOR)
        return (await for_each(overdue, expire, name="expire_overdue_holding")).done

    async def claim_after_expiry(
        self, barber_id: UUID, claimable: Callable[[], Sequence[int]], claim: Callable[[], Awaitable[T]]
    ) -> T:
        """Return the result of `claim`, and retry it once after ending overdue bookings that are in its way.

        Overdue requests, proposals and unpaid bookings hold their ticks until a job or another booking releases them.
        `claimable` returns all ticks and seats that `claim` could take; it is called only if the first attempt fails.
        Raises SlotTaken or SlotNotOffered.
        """
        try:
            return await claim()
        except (SlotTaken, SlotNotOffered):
            if not await self.expire_overdue_holding(barber_id, claimable()):
                raise
            return await claim()

    async def _plan_update(
        self, by: Author, action: Action, note: str | None, booking: Booking, now: datetime
    ) -> BookingUpdate | None:
        transition = TRANSITIONS[action]
        if by.party not in transition.parties:
            raise Forbidden
        if detail := _reason_not_allowed(booking, transition, by.party):
            if _find_last_transition(booking) is action:
                return None
            raise WrongState(detail)
        window_of(booking, action, by.party).check(now)
        if transition.target is Status.CANCELLED:
            return build_cancellation(booking, action, by.party, now, note)
        payment = self._payment_after(booking, action, now)
        if action is Action.ACCEPT and not await self._is_agreed(booking, by.party):
            deadline = min(now + self._platform.answer_within, booking.scheduled_at)
            fields: Document = {"awaits": Party.BARBER.value, "answer_by": deadline}
            return BookingUpdate(
                action=action, status=booking.status, fields=fields, answer_by=deadline, payment=payment
            )
        fields = {"awaits": None, "answer_by": None}
        if action is Action.START:
            fields |= await self._early_start(booking, tick_of(now))
        if action is Action.COMPLETE:
            fields |= fields_for_end(booking, tick_of(now))
        return BookingUpdate(action=action, status=transition.target, fields=fields, payment=payment)

    def _payment_after(self, booking: Booking, action: Action, now: datetime) -> Payment | None:
        """Return the payment with the deadline of the deposit after the action, or None if it stays the same.

        The customer pays after accepting an offer. A visit that has begun does not expire.
        """
        pay_by = booking.payment.pay_by
        if action is Action.ACCEPT and booking.awaits is Party.CUSTOMER:
            pay_by = self._platform.deposit_deadline(booking.payment.deposit, now, booking.scheduled_at)
        elif action is Action.START:
            pay_by = None
        return structs.replace(booking.payment, pay_by=pay_by) if pay_by != booking.payment.pay_by else None

    async def _early_start(self, booking: Booking, current: int) -> Document:
        """Return the fields that claim the free ticks of an early start; empty if the visit does not begin early."""
        wanted = early_start_ticks(booking, current)
        if not wanted:
            return {}
        taken = await self._bookings.get_occupied_ticks(booking.barber_id, wanted[0], wanted[-1] + 1)
        return fields_for_early_start(booking, wanted, taken)

    async def _is_agreed(self, booking: Booking, party: Party) -> bool:
        """Return whether the booking is accepted once this party accepts.

        The barber always decides last. A customer's acceptance of an offer suffices if the barber made the offer, or
        accepts bookings with all of these services automatically.
        """
        if party is Party.BARBER or booking.history[0].by is Party.BARBER:
            return True
        try:
            barber = await self._barbers.get(booking.barber_id)
        except NotFound:
            return False
        wanted = {service.service_id for service in booking.services}
        offered = [ChosenService(offer) for offer in barber.services if offer.service_id in wanted]
        return len(offered) == len(wanted) and rules_for(barber.rules, offered).auto_accept


def _reason_not_allowed(booking: Booking, transition: Transition, party: Party) -> str | None:
    """Return a sentence that explains why the party cannot make this transition now, or None if it can."""
    if booking.status not in transition.sources:
        return f"The booking is {booking.status.value}."
    awaits = booking.awaits or Party.BARBER
    if transition.is_answer and party is not awaits:
        return f"The request awaits the {awaits.value}'s answer."
    return None


def _find_last_transition(booking: Booking) -> Action | None:
    """Return the newest action that is a transition, ignoring tips, notes and proposals; None if there is none."""
    return next((entry.action for entry in reversed(booking.history) if entry.action in TRANSITIONS), None)


async def _require_expired(booking: Booking, _: datetime) -> BookingUpdate | None:
    """Return no update if the booking has just expired; raises WrongState otherwise."""
    if _find_last_transition(booking) is Action.EXPIRE:
        return None
    raise WrongState


def _check_expected(wanted: CancelIn, cost: Settlement) -> None:
    if wanted.expected_fee not in (None, cost.fee) or wanted.expected_refund not in (None, cost.refund):
        raise SettlementChanged(f"The fee is {cost.fee} and the refund {cost.refund} now, in minor units.")
