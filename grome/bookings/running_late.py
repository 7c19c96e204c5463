"""Shift a late visit of the barber, and the following visits as far as necessary.

`minutes` is the total delay against the agreed time, including any earlier delay, so calls are idempotent, also after
an interrupted call. The latest visit is shifted first, and each visit by a separate versioned write, so visits never
overlap at any moment.
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

# A delayed visit may end this long after closing.
_OVERTIME_TICKS: Final = ticks_for(30)
# A chain of visits without gaps is followed for this long.
_CHAIN_TICKS: Final = 2 * TICKS_A_DAY
_SEARCH_SPAN: Final = timedelta(days=14)
# One request shifts at most this many visits; later visits keep their times. A working day has about 20 visits.
_MAX_VISITS: Final = 150
# One request searches another time for at most this many conflicts; the barber repeats the request for the others.
_MAX_PROPOSALS: Final = 20
_DELAYABLE: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS})


class DelayShifter:
    def __init__(
        self,
        bookings: BookingRepository,
        updater: BookingUpdater,
        rescheduler: Rescheduler,
        barbers: BarberService,
        clock: Clock,
    ) -> None:
        self._bookings, self._updater, self._rescheduler = bookings, updater, rescheduler
        self._barbers, self._clock = barbers, clock

    async def preview(self, actor: Actor, booking_id: UUID, minutes: int) -> LateOut:
        """Preview the result of `shift` at this moment."""
        plan = await self._load_plan(author_of(actor), booking_id, minutes)
        shifted = [_shift_out(booking, plan.time_of(booking, by)) for booking, by in plan.shifts()]
        conflicts: list[ClashOut] = []
        promised: set[int] = set()

        def occupied_then(taken: frozenset[int]) -> frozenset[int]:
            return plan.occupied_after(taken) | promised

        searched, rest = plan.split_conflicts()
        for conflict in searched:
            booking = plan.bookings[conflict.id]
            time = await self._find_next_time(plan, conflict, booking, occupied_then)
            promised.update(time.ticks if time else ())
            conflicts.append(_conflict_out(conflict, booking, time.scheduled_at if time else None))
        conflicts += [_conflict_out(conflict, plan.bookings[conflict.id], None) for conflict in rest]
        return LateOut(minutes, plan.late_min, shifted, conflicts)

    async def shift(self, actor: Actor, booking_id: UUID, minutes: int) -> LateOut:
        """Shift the visits. Raises NotFound, and WrongState unless the visit is today and accepted or in progress.

        A visit that would have to be shifted and cannot be keeps its time, and its customer is proposed the next free
        start.
        """
        by, shifted = author_of(actor), dict[UUID, ShiftOut]()
        for _ in range(ATTEMPTS):
            plan = await self._load_plan(by, booking_id, minutes)
            if await self._shift_visits(by, plan, shifted):
                searched, rest = plan.split_conflicts()
                conflicts = [await self._propose_next_start(actor, plan, conflict) for conflict in searched]
                conflicts += [_conflict_out(conflict, plan.bookings[conflict.id], None) for conflict in rest]
                return LateOut(minutes, plan.late_min, list(shifted.values())[::-1], conflicts)
        raise KeepsChanging

    async def _shift_visits(self, by: Author, plan: "_DelayPlan", shifted: dict[UUID, ShiftOut]) -> bool:
        """Shift the visits, latest first, and collect them in `shifted`; return whether all writes succeeded."""
        for booking, ticks in reversed(plan.shifts()):
            time = plan.time_of(booking, ticks)
            fields = fields_for_delay(booking, time, booking.late_min + ticks * TICK_MIN)
            update = BookingUpdate(
                action=Action.DELAY,
                status=booking.status,
                fields=fields,
                scheduled_at=time.scheduled_at,
                answer_by=booking.answer_by,
            )
            try:
                written = await self._updater.write(booking, by, update, plan.calendar.now)
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
        if overdue := [booking.id for booking in held if find_overdue_update(booking, now)]:
            await for_each(overdue, partial(self._updater.get_current, SYSTEM_AUTHOR), name="running late")
            held = await self._bookings.list_active_overlapping(barber.id, *span, _MAX_VISITS)
        others = [booking for booking in held if booking.id != late.id]
        # Beyond the limit, only the occupied ticks of visits are read.
        occupied = (
            await self._bookings.get_occupied_ticks(barber.id, *span) if len(held) == _MAX_VISITS else frozenset[int]()
        )
        return _DelayPlan(barber, calendar, late, others, ticks_for(minutes), occupied)

    async def _propose_next_start(self, actor: Actor, plan: "_DelayPlan", conflict: DelayConflict) -> ClashOut:
        """Propose the next free start to the customer, unless a proposal is open already."""
        for _ in range(ATTEMPTS):
            booking, _now = await self._updater.get_current(author_of(actor), conflict.id)
            time = await self._find_next_time(plan, conflict, booking, lambda taken: taken)
            if time is None or booking.proposal:
                return _conflict_out(conflict, booking, time.scheduled_at if time else None)
            try:
                wanted = RescheduleIn(time.scheduled_at, booking.version)
                await self._rescheduler.reschedule(actor, booking.id, wanted)
            except (SlotTaken, ChangedMeanwhile, WrongState, SlotNotOffered):
                continue
            except HistoryFull:
                break
            return _conflict_out(conflict, booking, time.scheduled_at)
        return _conflict_out(conflict, booking, None)

    async def _find_next_time(
        self,
        plan: "_DelayPlan",
        conflict: DelayConflict,
        booking: Booking,
        occupied_then: Callable[[frozenset[int]], frozenset[int]],
    ) -> NewTime | None:
        """Return the open proposal of a visit in conflict, or its next free start; None if there is none.

        `occupied_then` maps the currently occupied ticks to the ticks occupied after the shift.
        """
        if proposal := booking.proposal:
            return NewTime(proposal.scheduled_at, proposal.ends_at, proposal.ticks)
        now = plan.calendar.now
        if not _can_be_proposed(booking, now):
            return None
        after = plan.bookings[conflict.id].scheduled_at + conflict.needs * TICK
        end = after + _SEARCH_SPAN
        calendar, visit = rebuild_calendar_and_visit(plan.barber, booking, now)
        calendar = replace(calendar, rules=msgspec.structs.replace(calendar.rules, min_notice_min=0))
        required = required_span(calendar, visit, calendar.starts_between(after, end, visit))
        occupied = await self._bookings.get_occupied_ticks(plan.barber.id, *required)
        taken = excluding_own(occupied_then(occupied), booking.ticks)
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
        shiftable = [each for each in others if _is_shiftable(each) and each.scheduled_at >= late.scheduled_at]
        self.spans = {booking.id: _scheduled_span(booking) for booking in (late, *shiftable)}
        fixed = {tick for booking in others if booking.id not in self.spans for tick in booking.ticks}
        fixed |= {tick for span in self.spans.values() for tick in span.held}
        fixed |= occupied.difference(*(booking.ticks for booking in self.bookings.values()))
        self._openings = calendar.openings_within(self._possible_span())
        by = max(0, minutes_ticks - late.late_min // TICK_MIN)
        followers = [self.spans[booking.id] for booking in shiftable]
        self.cascade: Cascade = compute_cascade(
            self.spans[late.id], followers, frozenset(fixed), by, self._reason_unavailable
        )

    @property
    def late_min(self) -> int:
        """Return the delay of the late visit after the shift."""
        return self.late.late_min + self.cascade.by * TICK_MIN

    def split_conflicts(self) -> tuple[list[DelayConflict], list[DelayConflict]]:
        """Return the conflicts for which this request searches another time, and the remaining conflicts."""
        return self.cascade.conflicts[:_MAX_PROPOSALS], self.cascade.conflicts[_MAX_PROPOSALS:]

    def shifts(self) -> list[tuple[Booking, int]]:
        """Return the shifted bookings with their shifts in ticks, earliest first."""
        return [(self.bookings[booking_id], by) for booking_id, by in self.cascade.shifts]

    def time_of(self, booking: Booking, by: int) -> NewTime:
        """Return the time of a booking after a shift.

        Seats under daily caps stay on their day, even if the visit ends after midnight after the shift.
        """
        later, delay = self.spans[booking.id].shifted_by(by), by * TICK
        seats = Claims.of(present_ticks(booking)).seats
        start = booking.scheduled_at if booking.status is Status.IN_PROGRESS else booking.scheduled_at + delay
        return NewTime(start, booking.ends_at + delay, [*sorted(later.ticks), *seats])

    def occupied_after(self, taken: frozenset[int]) -> frozenset[int]:
        """Return the ticks occupied after all shifts."""
        shifted_spans = [(self.spans[booking_id], by) for booking_id, by in self.cascade.shifts]
        old = frozenset().union(*(span.ticks for span, _ in shifted_spans))
        return (taken - old).union(*(span.shifted_by(by).ticks for span, by in shifted_spans))

    def _reason_unavailable(self, old: ScheduledSpan, new: ScheduledSpan) -> Unavailability | None:
        """Return the rule that forbids the new span, or None; a visit in progress continues to its end."""
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
        """Return the end of the hours around `start`, or a tick behind `end`; None if `start` is outside the hours.

        An opening may begin at the end of another opening. Breaks do not limit a delay.
        """
        closing = start
        while closing <= end:
            ends = [each.hours.end for each in self._openings if each.hours.meets(Span(closing, closing + 1))]
            if not ends:
                break
            closing = max(ends)
        return closing if closing > start else None

    def _possible_span(self) -> Span:
        """Return the span from the first agreed start to the last end that the visits could have."""
        visible = [span.visible for span in self.spans.values()]
        latest = max(self.bookings[booking_id].late_min for booking_id in self.spans) // TICK_MIN
        return Span(min(span.start for span in visible) - latest, max(span.end for span in visible) + TICKS_A_DAY)


def _check_today(booking: Booking, calendar: Calendar) -> None:
    if booking.status not in _DELAYABLE:
        raise WrongState(f"The booking is {booking.status.value}.")
    start, now = tick_of(booking.scheduled_at), tick_of(calendar.now)
    # On the same date, or in the same opening over midnight.
    is_today = any(day(start) == day(now) for day in (calendar.date_of, calendar.day_of_opening))
    if not is_today and booking.status is not Status.IN_PROGRESS:
        raise WrongState("The visit is not today.")
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
    """Return whether a proposal is possible: the visit is still to come, and its customer has an account."""
    is_offer = booking.awaits is Party.CUSTOMER
    return booking.status in RESCHEDULABLE and booking.scheduled_at > now and bool(booking.customer_id) and not is_offer


def _conflict_out(conflict: DelayConflict, booking: Booking, proposed: datetime | None) -> ClashOut:
    return ClashOut(
        booking_id=booking.id,
        scheduled_at=booking.scheduled_at,
        needs_min=conflict.needs * TICK_MIN,
        reason=conflict.reason.value,
        proposed=proposed,
    )
