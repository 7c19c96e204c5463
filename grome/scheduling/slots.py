"""Decide which starts can be booked.

The rules at the end of this file are the only decision. The list of slots, the creation of a booking and the
explanations all use these rules, for a month of starts at once or for a single start.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from grome.common.coded_enum import CodedEnum
from grome.scheduling.daily_caps import Claims, DayCapKey, count_seats, is_seat
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours
from grome.scheduling.opening_hours import Opening, opening_on
from grome.scheduling.tick_masks import dilate_left, iter_ticks, mask_from_ticks, mask_of
from grome.scheduling.ticks import (
    EPOCH,
    TICK,
    TICK_MIN,
    TICKS_A_DAY,
    Span,
    first_tick_from,
    is_aligned,
    local_day,
    moment_of,
    tick_of,
    ticks_for,
)
from grome.scheduling.visit_plan import VisitPlan

# No UTC offset, together with a skipped hour, shifts the start or end of a local day by more than this.
# An opening ends at most 48 hours after the midnight of its date.
_MAX_OPENING_SHIFT_TICKS = 16 * 60 // TICK_MIN
_EPOCH_DAY = EPOCH.toordinal()
_FIRST_SLOT_CHUNK_TICKS = 7 * TICKS_A_DAY  # span that one step of the search for the first slot covers


class Unavailability(CodedEnum):
    """Names the rule that rejects a start, by a stable code and a sentence for the customer."""

    MISALIGNED = "misaligned", "Visits start on a whole five minutes."
    TOO_SOON = "too_soon", "The barber needs more notice than this."
    BEYOND_HORIZON = "beyond_horizon", "The barber does not take bookings for a date this far ahead."
    DAY_FULL = "day_full", "The barber takes no more such visits on this day."
    HOLIDAY = "holiday", "The barber is closed on this holiday."
    CLOSED = "closed", "The barber is not open for the whole of this visit."
    OFF_GRID = "off_grid", "The barber's visits do not start at this time."
    ON_BREAK = "on_break", "The barber has a break during this visit."
    TIME_OFF = "time_off", "The barber is away during this visit."
    TAKEN = "taken", "The barber is not free for the whole of this visit."


class Slot(NamedTuple):
    """Holds the visible time of a booking, in UTC, without buffers."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Calendar:
    """Holds the facts about one barber for a decision; `now` is aware, in any zone.

    `rules` apply to the visit in question. `taken` holds the ticks of the bookings that occupy time, with their buffers
    and seats. It must be complete in the span that `required_span` returns for the starts in question.
    """

    timezone: ZoneInfo
    hours: WeeklyHours
    rules: BookingRules
    now: datetime
    taken: frozenset[int] = frozenset()
    overrides: Mapping[date, DayHours | None] = field(default_factory=dict)
    time_off: tuple[Span, ...] = ()
    holidays: Container[date] = ()

    @property
    def today(self) -> date:
        return self.now.astimezone(self.timezone).date()

    @property
    def last_day(self) -> date:
        return self.today + timedelta(days=self.rules.horizon_days)

    @cached_property
    def bookable(self) -> Span:
        """Return the span from the end of the minimum notice to the midnight that ends the last day."""
        earliest = self.now.astimezone(UTC) + timedelta(minutes=self.rules.min_notice_min)
        return Span(first_tick_from(earliest), self.span_of_day(self.last_day).end)

    @cached_property
    def seat_counts(self) -> Counter[DayCapKey]:
        return count_seats(self.taken)

    @cached_property
    def taken_mask(self) -> tuple[Span, int]:
        """Return the ticks of time in `taken`, without seats, as a mask and the span that the mask covers."""
        has_seats = is_seat(min(self.taken, default=0))
        ticks = Claims.of(self.taken).time if has_seats else self.taken
        if not ticks:
            return Span(0, 0), 0
        within = Span(min(ticks), max(ticks) + 1)
        return within, mask_from_ticks(ticks, within)

    def is_holiday(self, day: date) -> bool:
        """Return whether the date is a holiday; an override of the date takes precedence."""
        return day not in self.overrides and day in self.holidays

    def opening_on(self, day: date) -> Opening | None:
        """Return the opening that begins on a local date, or None if the shop is closed."""
        if self.holidays and self.is_holiday(day):
            return None
        hours = self.overrides[day] if day in self.overrides else self.hours.on(day)
        return opening_on(hours, day, self.timezone) if hours else None

    def openings_within(self, within: Span) -> list[Opening]:
        """Return the openings that overlap a span; the span must not be empty."""
        first = (within.start - _MAX_OPENING_SHIFT_TICKS) // TICKS_A_DAY - 1
        last = (within.end - 1 + _MAX_OPENING_SHIFT_TICKS) // TICKS_A_DAY
        days = map(date.fromordinal, range(_EPOCH_DAY + first, _EPOCH_DAY + last + 1))
        return [opening for day in days if (opening := self.opening_on(day)) and opening.hours.meets(within)]

    def date_of(self, tick: int) -> date:
        return moment_of(tick).astimezone(self.timezone).date()

    def day_of_opening(self, tick: int) -> date:
        """Return the date on which the opening around a tick began, or the local date of the tick outside hours.

        For a shop that is open from 20:00 to 04:00, 01:00 belongs to the date before. If two openings contain the tick,
        the later opening counts.
        """
        day = self.date_of(tick)
        for began in (day, day - timedelta(days=1)):
            opening = self.opening_on(began)
            if opening and opening.hours.start <= tick < opening.hours.end:
                return began
        return day

    def span_of_day(self, day: date) -> Span:
        """Return a local date from midnight to midnight."""
        return local_day(day, self.timezone)

    def iter_days(self, within: Span) -> Iterator[date]:
        """Iterate the local dates that a span touches; the span must not be empty."""
        first, last = self.date_of(within.start), self.date_of(within.end - 1)
        return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))

    def starts_on(self, first: date, last: date) -> Span:
        """Return the bookable ticks of these local dates, as a span."""
        # Clamped first: the first and the last date of Python's calendar have no midnight in every zone.
        begin, end = max(first, self.today), min(last, self.last_day)
        if begin > end:
            return Span(0, 0)
        return Span(
            max(self.span_of_day(begin).start, self.bookable.start), min(self.span_of_day(end).end, self.bookable.end)
        )

    def starts_between(self, start: datetime, end: datetime, visit: VisitPlan) -> Span:
        """Return the bookable ticks at which the visit lies wholly between two aware moments, without its buffers."""
        latest = end - EPOCH - timedelta(minutes=visit.duration_min)  # a timedelta, since the date may not exist
        return Span(max(first_tick_from(start), self.bookable.start), min(latest // TICK + 1, self.bookable.end))


def reason_unavailable(calendar: Calendar, start: datetime, visit: VisitPlan) -> Unavailability | None:
    """Return the first rule that rejects a visit at `start` (aware), or None if the start can be booked."""
    if not is_aligned(start):
        return Unavailability.MISALIGNED
    tick = tick_of(start)
    for reason, _ in rejected_starts(calendar, visit, Span(tick, tick + 1), 1):
        return reason
    return None


def free_slots(calendar: Calendar, first: date, last: date, visit: VisitPlan) -> list[tuple[date, list[Slot]]]:
    """List each date from `first` to `last`, both included, with the slots that start on this local date, by time.

    Dates without slots are listed too, so the caller bounds the range. A start is offered if `reason_unavailable`
    returns None.
    """
    free = _iter_free_ticks(calendar, visit, calendar.starts_on(first, last))
    tick, today = next(free, None), calendar.today
    found: list[tuple[date, list[Slot]]] = []
    for day in map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)):
        slots: list[Slot] = []
        end = calendar.span_of_day(day).end if tick is not None and day >= today else 0
        while tick is not None and tick < end:
            slots.append(_slot(tick, visit))
            tick = next(free, None)
        found.append((day, slots))
    return found


def first_slot_between(calendar: Calendar, start: datetime, end: datetime, visit: VisitPlan) -> Slot | None:
    """Return the earliest slot wholly between two aware moments, buffers aside; None if there is none.

    It is the first slot that `free_slots` would list; the search ends there.
    """
    begin, end_of_starts = calendar.starts_between(start, end, visit)
    while begin < end_of_starts:
        starts = Span(begin, min(begin + _FIRST_SLOT_CHUNK_TICKS, end_of_starts))
        if (tick := next(_iter_free_ticks(calendar, visit, starts), None)) is not None:
            return _slot(tick, visit)
        begin = starts.end
    return None


def required_span(calendar: Calendar, visit: VisitPlan, starts: Span) -> Span:
    """Return the span in which `taken` must be complete to decide about these starts.

    The span covers the ticks that the visit could occupy and, under a daily cap, whole dates.
    """
    if starts.start >= starts.end:
        return Span(0, 0)
    occupied = visit.occupied_spans(calendar.rules)
    required = Span(starts.start + occupied[0].start, starts.end - 1 + occupied[-1].end)
    if not visit.caps:
        return required
    first, last = (calendar.span_of_day(calendar.date_of(tick)) for tick in (starts.start, starts.end - 1))
    return Span(min(required.start, first.start), max(required.end, last.end))


def occupied_ticks(rules: BookingRules, start: datetime, visit: VisitPlan) -> list[int]:
    """Return the ticks that a booking occupies, with its buffers and without its gaps."""
    begin = tick_of(start)
    return [begin + tick for span in visit.occupied_spans(rules) for tick in range(*span)]


def rejected_starts(
    calendar: Calendar, visit: VisitPlan, within: Span, starts: int
) -> Iterator[tuple[Unavailability, int]]:
    """Yield the rejected starts of a mask, each under the first rule that rejects it.

    A rejected start is not passed to later rules: the first rules exclude years that a date cannot represent.
    """
    for reason, mask in _iter_rejections(calendar, visit, within):
        if rejected := mask & starts:
            yield reason, rejected
            starts ^= rejected
            if not starts:
                return


def _iter_free_ticks(calendar: Calendar, visit: VisitPlan, within: Span) -> Iterator[int]:
    if within.start >= within.end:
        return iter(())
    free = every = mask_of(within, within)
    for _, rejected in rejected_starts(calendar, visit, within, every):
        free ^= rejected
    return iter_ticks(free, within)


def _slot(tick: int, visit: VisitPlan) -> Slot:
    start = moment_of(tick)
    return Slot(start, start + timedelta(minutes=visit.duration_min))


# ---- the rules: each yields a mask of the starts within a span that it rejects

Rejections = Iterator[tuple[Unavailability, int]]


def _iter_rejections(calendar: Calendar, visit: VisitPlan, within: Span) -> Rejections:
    """Yield the rejections of all rules, in the order of the rules."""
    bookable = calendar.bookable
    if within.start < bookable.start:
        yield Unavailability.TOO_SOON, mask_of(Span(within.start, bookable.start), within)
    if bookable.end < within.end:
        yield Unavailability.BEYOND_HORIZON, mask_of(Span(bookable.end, within.end), within)
    # One opening in which the visit may start is enough; otherwise the one that passes the most rules gives the reason.
    fitting, on_grid, unbroken = _opening_masks(calendar, visit, within)
    if calendar.holidays:
        yield Unavailability.HOLIDAY, ~fitting & _mask_of_dates(calendar, within, calendar.is_holiday)
    yield Unavailability.CLOSED, ~fitting
    yield Unavailability.OFF_GRID, ~on_grid
    yield Unavailability.ON_BREAK, ~unbroken
    presence = visit.presence_span(calendar.rules)
    for off in calendar.time_off:
        yield Unavailability.TIME_OFF, mask_of(Span(off.start - presence.end + 1, off.end - presence.start), within)
    if calendar.taken:
        if visit.caps:
            yield Unavailability.DAY_FULL, _mask_of_dates(calendar, within, lambda day: _is_full(calendar, visit, day))
        yield from _iter_occupied(calendar, visit, within)


def _opening_masks(calendar: Calendar, visit: VisitPlan, within: Span) -> tuple[int, int, int]:
    """Return three masks of starts: in an opening, also on its grid, and also outside its breaks.

    A visit that is longer than the rest of its opening fits if the next opening follows without a pause. It starts on
    the grid of the opening in which it starts, and the breaks of both apply.
    """
    all_fitting = all_on_grid = all_unbroken = 0
    step, busy_spans = ticks_for(calendar.rules.slot_step_min), visit.busy_spans()
    openings = calendar.openings_within(Span(within.start, within.end + visit.ticks))
    for number, opening in enumerate(openings, start=1):
        grid, fitting = opening.grid_starts(step, within), opening.fitting_starts(visit.ticks, within)
        all_fitting |= fitting
        all_on_grid |= grid & fitting
        all_unbroken |= grid & fitting & ~opening.starts_during_breaks(busy_spans, within)
        joined = opening.joined_with(openings[number:], visit.ticks)
        if joined is not opening:
            running_on = joined.fitting_starts(visit.ticks, within) & ~fitting
            all_fitting |= running_on
            all_on_grid |= grid & running_on
            all_unbroken |= grid & running_on & ~joined.starts_during_breaks(busy_spans, within)
    return all_fitting, all_on_grid, all_unbroken


def _is_full(calendar: Calendar, visit: VisitPlan, day: date) -> bool:
    taken, number = calendar.seat_counts, day.toordinal()
    return any(taken[DayCapKey(number, cap.subject)] >= cap.limit for cap in visit.caps)


def _iter_occupied(calendar: Calendar, visit: VisitPlan, within: Span) -> Rejections:
    covered, taken = calendar.taken_mask
    for begin, end in visit.occupied_spans(calendar.rules):
        first = within.start + begin
        reached = taken >> first - covered.start if first >= covered.start else taken << covered.start - first
        reached &= (1 << within.end - within.start + end - begin - 1) - 1
        yield Unavailability.TAKEN, dilate_left(reached, end - begin)


def _mask_of_dates(calendar: Calendar, within: Span, wanted: Callable[[date], bool]) -> int:
    """Return the starts on the local dates for which `wanted` is true."""
    found = 0
    for day in calendar.iter_days(within):
        if wanted(day):
            found |= mask_of(calendar.span_of_day(day), within)
    return found
