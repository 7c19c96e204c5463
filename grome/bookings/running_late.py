"""Shift a late visit of the barber, and the following visits as far as necessary.

`minutes` is the total delay against the agreed time, including any earlier delay. Therefore a repeated call, and a call
after an interrupted call, reach the same result. The latest visit is moved first, each by its own guarded write: visits
never overlap at any moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.models import Barber
from grome.barbers.service import BarberService
from grome.bookings.booked_visit import rebuild_calendar_and_visit
from grome.bookings.delay_cascade import Cascade, DelayConflict, ScheduledSpan, compute_cascade
from grome.bookings.errors import ChangedMeanwhile, HistoryFull, KeepsChanging, SlotNotOffered, SlotTaken, WrongState
from grome.bookings.history_limits import is_full
from grome.bookings.models import Action, Booking, Party, Status
from grome.bookings.proposals import RESCHEDULABLE, NewTime, fields_for_delay, present_ticks
from grome.bookings.repository import BookingRepository
from grome.bookings.reschedule import Rescheduler
from grome.bookings.schemas import ClashOut, LateOut, RescheduleIn, ShiftOut
from grome.bookings.updates import (
    ATTEMPTS,
    SYSTEM_AUTHOR,
    Author,
    BookingUpdate,
    BookingUpdater,
    author_of,
    find_overdue_update,
)
from grome.bookings.windows import window_of
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.infrastructure.isolated_items import for_each
from grome.scheduling.daily_caps import Claims, excluding_own
from grome.scheduling.slots import Calendar, Unavailability, first_slot_between, occupied_ticks, required_span
from grome.scheduling.ticks import TICK, TICK_MIN, TICKS_A_DAY, Span, span_between, tick_of, ticks_for

# A barber stays this much longer for a customer with an appointment.
_OVERTIME_TICKS: Final = ticks_for(30)
# A chain of visits without any gap that is longer than this is not followed to its end.
_CHAIN_TICKS: Final = 2 * TICKS_A_DAY
_SEARCH_SPAN: Final = timedelta(days=14)
# One request moves no more visits than this; those behind them stay where they are. A working day has some 20.
_MAX_VISITS: Final = 150
# And it looks for another time for so many of those that clash; for the others the barber asks again.
_MAX_PROPOSALS: Final = 20
_DELAYABLE: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS})


class DelayShifter:
    def __init__(
        self,
        bookings: BookingRepository,
        updater: BookingUpdater,
        rescheduling: Rescheduler,
        barbers: BarberService,
        clock: Clock,
    ) -> None:
        self._bookings, self._updater, self._rescheduling = bookings, updater, rescheduling
        self._barbers, self._clock = barbers, clock

    async def preview(self, actor: Actor, booking_id: UUID, minutes: int) -> LateOut:
        """Preview the result of `shift` at this moment."""
        day = await self._load_plan(author_of(actor), booking_id, minutes)
        shifted = [_shift_out(booking, day.time_of(booking, by)) for booking, by in day.shifts()]
        clashes: list[ClashOut] = []
        promised: set[int] = set()

        def others(taken: frozenset[int]) -> frozenset[int]:
            return day.occupied_after(taken) | promised

        asked, rest = day.split_conflicts()
        for clash in asked:
            booking = day.bookings[clash.id]
            offer = await self._find_next_time(day, clash, booking, others)
            promised.update(offer.ticks if offer else ())
            clashes.append(_clash_out(clash, booking, offer.scheduled_at if offer else None))
        clashes += [_clash_out(clash, day.bookings[clash.id], None) for clash in rest]
        return LateOut(minutes, day.late_min, shifted, clashes)

    async def shift(self, actor: Actor, booking_id: UUID, minutes: int) -> LateOut:
        """Shift the visits. Raises NotFound, and WrongState unless the visit is today and accepted or in progress.

        A visit that would have to be shifted and cannot keeps its time, and gets the next free start proposed.
        """
        by, shifted = author_of(actor), dict[UUID, ShiftOut]()
        for _ in range(ATTEMPTS):
            day = await self._load_plan(by, booking_id, minutes)
            if await self._shift_visits(by, day, shifted):
                asked, rest = day.split_conflicts()
                clashes = [await self._propose_next_start(actor, day, clash) for clash in asked]
                clashes += [_clash_out(clash, day.bookings[clash.id], None) for clash in rest]
                return LateOut(minutes, day.late_min, list(shifted.values())[::-1], clashes)
        raise KeepsChanging

    async def _shift_visits(self, by: Author, day: "_DelayPlan", shifted: dict[UUID, ShiftOut]) -> bool:
        """Move the visits and return whether all moves succeeded; `shifted` collects the moved visits, latest first."""
        for booking, ticks in reversed(day.shifts()):
            time = day.time_of(booking, ticks)
            fields = fields_for_delay(booking, time, booking.late_min + ticks * TICK_MIN)
            change = BookingUpdate(
                action=Action.DELAY,
                status=booking.status,
                fields=fields,
                scheduled_at=time.scheduled_at,
                answer_by=booking.answer_by,
            )
            try:
                written = await self._updater.write(booking, by, change, day.calendar.now)
            except SlotTaken:
                return False
            if written is None:
                return False
            shifted[booking.id] = _shift_out(booking, time, shifted.get(booking.id))
        return True

    async def _load_plan(self, by: Author, booking_id: UUID, minutes: int) -> "_DelayPlan":
        late, now = await self._updater.get_current(by, booking_id)
        barber = await self._barbers.get(late.barber_id)
        calendar, _ = rebuild_calendar_and_visit(barber, late, now)
        _check_today(late, calendar)
        if is_full(late):
            raise HistoryFull
        first = min(tick_of(late.scheduled_at), *Claims.of(present_ticks(late)).time)
        span = first, first + _CHAIN_TICKS
        held = await self._bookings.list_active_overlapping(barber.id, *span, _MAX_VISITS)
        if overdue := [one.id for one in held if find_overdue_update(one, now)]:
            await for_each(overdue, partial(self._updater.get_current, SYSTEM_AUTHOR), name="running late")
            held = await self._bookings.list_active_overlapping(barber.id, *span, _MAX_VISITS)
        others = [one for one in held if one.id != late.id]
        # Of more visits than are moved, only the time that they occupy is read.
        occupied = (
            await self._bookings.get_occupied_ticks(barber.id, *span) if len(held) == _MAX_VISITS else frozenset[int]()
        )
        return _DelayPlan(barber, calendar, late, others, ticks_for(minutes), occupied)

    async def _propose_next_start(self, actor: Actor, day: "_DelayPlan", clash: DelayConflict) -> ClashOut:
        """Propose the next free start to the customer, unless something is proposed already."""
        for _ in range(ATTEMPTS):
            booking, _now = await self._updater.get_current(author_of(actor), clash.id)
            offer = await self._find_next_time(day, clash, booking, lambda taken: taken)
            if offer is None or booking.proposal:
                return _clash_out(clash, booking, offer.scheduled_at if offer else None)
            try:
                wanted = RescheduleIn(offer.scheduled_at, booking.version)
                await self._rescheduling.reschedule(actor, booking.id, wanted)
            except (SlotTaken, ChangedMeanwhile, WrongState, SlotNotOffered):
                continue
            except HistoryFull:
                break
            return _clash_out(clash, booking, offer.scheduled_at)
        return _clash_out(clash, booking, None)

    async def _find_next_time(
        self,
        day: "_DelayPlan",
        clash: DelayConflict,
        booking: Booking,
        others: Callable[[frozenset[int]], frozenset[int]],
    ) -> NewTime | None:
        """Return the open proposal of a clashing visit, or its next free start; None if there is no free start.

        `others` maps the currently occupied ticks to the ticks occupied after the shift.
        """
        if proposal := booking.proposal:
            return NewTime(proposal.scheduled_at, proposal.ends_at, proposal.ticks)
        now = day.calendar.now
        if not _can_be_proposed(booking, now):
            return None
        after = day.bookings[clash.id].scheduled_at + clash.needs * TICK
        end = after + _SEARCH_SPAN
        calendar, visit = rebuild_calendar_and_visit(day.barber, booking, now)
        calendar = replace(calendar, rules=msgspec.structs.replace(calendar.rules, min_notice_min=0))
        known = required_span(calendar, visit, calendar.starts_between(after, end, visit))
        taken = excluding_own(others(await self._bookings.get_occupied_ticks(day.barber.id, *known)), booking.ticks)
        slot = first_slot_between(replace(calendar, taken=taken), after, end, visit)
        return NewTime(slot.start, slot.end, occupied_ticks(calendar.rules, slot.start, visit)) if slot else None


class _DelayPlan:
    """Holds a barber's visits from the late visit on, and their shifts after the delay."""

    def __init__(
        self,
        barber: Barber,
        calendar: Calendar,
        late: Booking,
        others: Sequence[Booking],
        minutes_ticks: int,
        occupied: frozenset[int],
    ) -> None:
        self.barber, self.calendar, self.late = barber, calendar, late
        self.bookings = {booking.id: booking for booking in (late, *others)}
        movable = [one for one in others if _is_shiftable(one) and one.scheduled_at >= late.scheduled_at]
        self.spans = {booking.id: _scheduled_span(booking) for booking in (late, *movable)}
        movable_ids = set(self.spans)
        fixed = {tick for one in others if one.id not in movable_ids for tick in one.ticks}
        fixed |= {tick for place in self.spans.values() for tick in place.held}
        fixed |= occupied.difference(*(booking.ticks for booking in self.bookings.values()))
        self._opened = calendar.openings_within(self._possible_span())
        by = max(0, minutes_ticks - late.late_min // TICK_MIN)
        followers = [self.spans[one.id] for one in movable]
        self.plan: Cascade = compute_cascade(
            self.spans[late.id], followers, frozenset(fixed), by, self._reason_unavailable
        )

    @property
    def late_min(self) -> int:
        """How late the visit is when all have moved that will."""
        return self.late.late_min + self.plan.by * TICK_MIN

    def split_conflicts(self) -> tuple[list[DelayConflict], list[DelayConflict]]:
        """The clashes for which another time is looked for in this request, and those beyond."""
        return self.plan.conflicts[:_MAX_PROPOSALS], self.plan.conflicts[_MAX_PROPOSALS:]

    def shifts(self) -> list[tuple[Booking, int]]:
        """The earliest first."""
        return [(self.bookings[booking_id], by) for booking_id, by in self.plan.shifts]

    def time_of(self, booking: Booking, by: int) -> NewTime:
        """Seats stay those of the day for which they were taken, even where a visit comes to end after midnight."""
        later, delay = self.spans[booking.id].shifted_by(by), by * TICK
        seats = Claims.of(present_ticks(booking)).seats
        start = booking.scheduled_at if booking.status is Status.IN_PROGRESS else booking.scheduled_at + delay
        return NewTime(start, booking.ends_at + delay, [*sorted(later.ticks), *seats])

    def occupied_after(self, taken: frozenset[int]) -> frozenset[int]:
        """Return the ticks occupied after all shifts."""
        places = [(self.spans[booking_id], by) for booking_id, by in self.plan.shifts]
        old = frozenset().union(*(place.ticks for place, _ in places))
        return (taken - old).union(*(place.shifted_by(by).ticks for place, by in places))

    def _reason_unavailable(self, old: ScheduledSpan, new: ScheduledSpan) -> Unavailability | None:
        """Return the obstacle at the new place, or None; a visit that has begun continues to its end."""
        if old.has_begun:
            return None
        if any(
            off.meets(after) and not off.meets(before)
            for off in self.calendar.time_off
            for before, after in ((old.bounds, new.bounds), (old.visible, new.visible))
        ):
            return Unavailability.TIME_OFF
        agreed = old.visible.shifted(-self.bookings[old.id].late_min // TICK_MIN)
        closing = self._find_closing_tick(agreed.start, new.visible.end)
        if closing is not None and new.visible.end > max(closing + _OVERTIME_TICKS, agreed.end):
            return Unavailability.CLOSED
        return None

    def _find_closing_tick(self, start: int, end: int) -> int | None:
        """When the hours end that `start` lies in, or a moment behind `end`; None outside of them.

        One opening may begin where another ends. Breaks give way to a delay.
        """
        closing = start
        while closing <= end:
            ends = [one.hours.end for one in self._opened if one.hours.meets(Span(closing, closing + 1))]
            if not ends:
                break
            closing = max(ends)
        return closing if closing > start else None

    def _possible_span(self) -> Span:
        """From the first agreed start to the last end that the visits could get."""
        visible = [place.visible for place in self.spans.values()]
        latest = max(self.bookings[booking_id].late_min for booking_id in self.spans) // TICK_MIN
        return Span(min(one.start for one in visible) - latest, max(one.end for one in visible) + TICKS_A_DAY)


def _check_today(booking: Booking, calendar: Calendar) -> None:
    if booking.status not in _DELAYABLE:
        raise WrongState(f"The booking is {booking.status.value}.")
    start, now = tick_of(booking.scheduled_at), tick_of(calendar.now)
    # Of the same date, or of one opening that goes on over midnight.
    is_today = any(day(start) == day(now) for day in (calendar.date_of, calendar.day_of_opening))
    if not is_today and booking.status is not Status.IN_PROGRESS:
        raise WrongState("It is not a visit of today.")
    window_of(booking, Action.DELAY, Party.BARBER).check(calendar.now)


def _is_shiftable(booking: Booking) -> bool:
    return booking.status in RESCHEDULABLE and not is_full(booking)


def _scheduled_span(booking: Booking) -> ScheduledSpan:
    ticks = frozenset(Claims.of(present_ticks(booking)).time)
    held = frozenset(Claims.of(booking.ticks).time) - ticks
    visible = span_between(booking.scheduled_at, booking.ends_at)
    return ScheduledSpan(booking.id, visible, ticks, held, has_begun=booking.status is Status.IN_PROGRESS)


def _shift_out(booking: Booking, time: NewTime, before: ShiftOut | None = None) -> ShiftOut:
    """Build the answer for a shift; `before` is the answer of an earlier attempt."""
    added = int((time.ends_at - booking.ends_at).total_seconds()) // 60
    return ShiftOut(
        booking_id=booking.id,
        scheduled_at=time.scheduled_at,
        ends_at=time.ends_at,
        was_scheduled_at=before.was_scheduled_at if before else booking.scheduled_at,
        was_ends_at=before.was_ends_at if before else booking.ends_at,
        late_min=booking.late_min + added,
    )


def _can_be_proposed(booking: Booking, now: datetime) -> bool:
    """Whether there is somebody to answer a proposal, and a visit to come."""
    is_offer = booking.awaits is Party.CUSTOMER
    return booking.status in RESCHEDULABLE and booking.scheduled_at > now and bool(booking.customer_id) and not is_offer


def _clash_out(clash: DelayConflict, booking: Booking, proposed: datetime | None) -> ClashOut:
    return ClashOut(
        booking_id=booking.id,
        scheduled_at=booking.scheduled_at,
        needs_min=clash.needs * TICK_MIN,
        reason=clash.reason.value,
        proposed=proposed,
    )
