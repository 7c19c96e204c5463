"""What can be booked. `obstacle` is the only decision: the list of slots and the creation of a booking both ask it.

Time is counted in ticks, the 5-minute steps of Unix time: tick n begins n * 300 seconds after 1970-01-01T00:00Z. Wall
times lie on whole ticks in every zone, because no offset has left the quarter-hours since 1972.

Wall times become instants as RFC 5545, section 3.3.5 says, for openings, closings and breaks alike: a time that exists
twice is the first of the two, and a time that a clock change skips is read with the offset before the change, so that
02:30 in a gap from 02:00 to 03:00 is the instant whose clock then shows 03:30. This is what Python does with `fold=0`
(PEP 495). A span that this turns inside out, 02:30 to 03:00 in that gap, is empty.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from grome.availability.models import BookingRules, DayHours, WeeklyHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_MIN = 5
_TICK_S = 60 * _TICK_MIN
_TICK = timedelta(minutes=_TICK_MIN)
_DAY_MIN = 24 * 60
_TICKS_A_DAY = _DAY_MIN // _TICK_MIN

# Openings that can hold an instant begin on a date this many days from the instant's own, be that in UTC or local: an
# opening ends at most 48 hours after its date began, and offsets from UTC shift that by less than 16 hours either way.
_NEARBY_DAYS = range(-2, 2)


class Obstacle(StrEnum):
    """Why a start cannot be booked: a stable code, and a sentence for the customer."""

    MISALIGNED = "misaligned", "Visits start on a whole five minutes."
    TOO_SOON = "too_soon", "The barber needs more notice than this."
    BEYOND_HORIZON = "beyond_horizon", "The barber does not take bookings for a date this far ahead."
    CLOSED = "closed", "The barber is not open for the whole of this visit."
    OFF_GRID = "off_grid", "The barber's visits do not start at this time."
    ON_BREAK = "on_break", "The barber has a break during this visit."
    TAKEN = "taken", "The barber is not free for the whole of this visit."

    _value_: str
    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member


class Span(NamedTuple):
    """Ticks from `start` up to, not including, `end`; empty where the end is not after the start."""

    start: int
    end: int


class Slot(NamedTuple):
    """What the customer sees of a booking, in UTC, without buffers."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    hours: Span
    breaks: tuple[Span, ...]

    def obstacle(self, visit: Span, step: int) -> Obstacle | None:
        if visit.start < self.hours.start or visit.end > self.hours.end:
            return Obstacle.CLOSED
        if (visit.start - self.hours.start) % step:
            return Obstacle.OFF_GRID
        for pause in self.breaks:
            if pause.start < visit.end and visit.start < pause.end:
                return Obstacle.ON_BREAK
        return None

    def grid(self, within: Span, step: int) -> range:
        """The starts that lie in a span, counted in steps from the opening."""
        begin = max(self.hours.start, within.start)
        return range(begin + (self.hours.start - begin) % step, min(self.hours.end, within.end), step)


@dataclass(frozen=True)
class Calendar:
    """What is known of one barber when a decision is made; `now` is aware, in any zone.

    `taken` holds the ticks of the bookings that occupy time, each with its own buffers (`occupied_ticks`). It must be
    complete for the ticks that the booking asked for would occupy; for `first_slot_between`, for those that
    `occupiable` gives; for `free_slots`, from 00:00Z of the day before the first date to 00:00Z of the third day after
    the last.
    """

    timezone: ZoneInfo
    hours: WeeklyHours
    rules: BookingRules
    now: datetime
    taken: AbstractSet[int] = frozenset()
    _openings_by_utc_day: dict[int, list[Opening]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(self.timezone).date()

    @cached_property
    def last_day(self) -> date:
        return self.today + timedelta(days=self.rules.horizon_days)

    @cached_property
    def bookable(self) -> Span:
        """From the end of the minimum notice to the midnight that ends the last day."""
        notice = timedelta(minutes=self.rules.min_notice_min)
        return Span(_ceil_tick(self.now - _EPOCH + notice), self.day(self.last_day).end)

    def opening(self, day: date) -> Opening | None:
        """The opening that begins on a local date."""
        return _opening(self.hours.on(day), day, self.timezone)

    def openings_at(self, tick: int) -> list[Opening]:
        """Every opening that holds the tick, and perhaps others of the same day in UTC; worked out once a day."""
        day = tick // _TICKS_A_DAY
        if day not in self._openings_by_utc_day:
            midnight, ordinal = day * _TICKS_A_DAY, day + _EPOCH.toordinal()
            nearby = (self.opening(date.fromordinal(ordinal + days)) for days in _NEARBY_DAYS)
            self._openings_by_utc_day[day] = [
                opening
                for opening in nearby
                if opening and opening.hours.start < midnight + _TICKS_A_DAY and midnight < opening.hours.end
            ]
        return self._openings_by_utc_day[day]

    def grid(self, wanted: Span) -> Iterator[int]:
        """The starts that the openings' grids have in a span, in order, worked out as far as they are asked for.

        Without those that notice, horizon or occupancy would refuse at a glance: most of them, where much is booked.
        """
        step = self.rules.slot_step_min // _TICK_MIN
        begin, end = max(wanted.start, self.bookable.start), min(wanted.end, self.bookable.end)
        while begin < end:
            midnight = (begin // _TICKS_A_DAY + 1) * _TICKS_A_DAY
            within = Span(begin, min(end, midnight))
            grids = (opening.grid(within, step) for opening in self.openings_at(begin))
            yield from sorted(set().union(*grids) - self.taken)
            begin = midnight

    def day(self, day: date) -> Span:
        """A local date from midnight to midnight."""
        return _span((0, _DAY_MIN), day, self.timezone)


def obstacle(calendar: Calendar, start: datetime, duration_min: int) -> Obstacle | None:
    """Why no visit can begin at `start` (aware), or None if one can. The first rule to object gives the reason.

    Raises ValueError for a duration that is not positive: such a booking would occupy nothing.
    """
    visit = _visit(start, duration_min)
    since_epoch = start - _EPOCH
    if since_epoch.seconds % _TICK_S or since_epoch.microseconds:
        return Obstacle.MISALIGNED
    return _objection(calendar, visit)


def free_slots(calendar: Calendar, first: date, last: date, duration_min: int) -> list[tuple[date, list[Slot]]]:
    """Each date from `first` to `last`, both included, with the slots whose start has that local date, by time.

    Dates without slots are listed too, so the caller bounds the range. What is offered is what `obstacle` lets pass.
    """
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    return [(day, list(_slots_on(calendar, day, duration_min))) for day in days]


def first_slot_between(calendar: Calendar, start: datetime, end: datetime, duration_min: int) -> Slot | None:
    """The earliest slot that lies wholly between two aware moments, buffers aside; the search ends where it is found.

    It is the first of those that `free_slots` would list. Raises ValueError as `obstacle` does.
    """
    latest = end - _EPOCH - timedelta(minutes=duration_min)
    starts = Span(_ceil_tick(start - _EPOCH), latest // _TICK + 1)
    return next(_slots_in(calendar, starts, duration_min), None)


def occupiable(rules: Iterable[BookingRules], start: datetime, end: datetime) -> Span:
    """Every tick that a visit between two aware moments can keep from others, under any of these rules."""
    held = [_occupied(one, Span(tick_of(start), _ceil_tick(end - _EPOCH))) for one in rules]
    return Span(min(ticks.start for ticks in held), max(ticks.stop for ticks in held))


def tick_of(moment: datetime) -> int:
    """The tick that holds an aware moment."""
    # Every slot comes by here, and dividing the difference by a timedelta takes twice as long.
    since_epoch = moment - _EPOCH
    return since_epoch.days * _TICKS_A_DAY + since_epoch.seconds // _TICK_S


def ticks_between(start: datetime, end: datetime) -> list[int]:
    """The numbers of all ticks that [start, end) touches; both aware."""
    return list(range(tick_of(start), _ceil_tick(end - _EPOCH)))


def occupied_ticks(rules: BookingRules, start: datetime, duration_min: int) -> list[int]:
    """The ticks that a booking keeps from others, its buffers included. Raises ValueError as `obstacle` does."""
    return list(_occupied(rules, _visit(start, duration_min)))


def _slots_on(calendar: Calendar, day: date, duration_min: int) -> Iterator[Slot]:
    """None on other dates than the bookable ones; those may be too far away to have a midnight."""
    if calendar.today <= day <= calendar.last_day:
        yield from _slots_in(calendar, calendar.day(day), duration_min)


def _slots_in(calendar: Calendar, starts: Span, duration_min: int) -> Iterator[Slot]:
    duration = timedelta(minutes=duration_min)
    length = _length(duration_min)
    for tick in calendar.grid(starts):
        if _objection(calendar, Span(tick, tick + length)) is None:
            start = _EPOCH + tick * _TICK
            yield Slot(start, start + duration)


def _objection(calendar: Calendar, visit: Span) -> Obstacle | None:
    for rule in _RULES:
        if reason := rule(calendar, visit):
            return reason
    return None


# Most of the cost of a decision about one start, and the same for all whose day looks alike. Some 4 MB when full.
@lru_cache(maxsize=4096)
def _opening(hours: DayHours, day: date, timezone: ZoneInfo) -> Opening | None:
    if not hours.is_available:
        return None
    breaks = (_span(minutes, day, timezone) for minutes in hours.break_minutes)
    return Opening(
        _span(hours.minutes, day, timezone),
        tuple(pause for pause in breaks if pause.start < pause.end),  # an empty one must not part a visit
    )


def _span(minutes: tuple[int, int], day: date, timezone: ZoneInfo) -> Span:
    """From minutes of wall-clock time after a date's midnight to ticks, by the rule at the top of this file."""
    midnight = datetime.combine(day, time(), tzinfo=timezone)
    start, end = (tick_of(midnight + timedelta(minutes=minute)) for minute in minutes)
    return Span(start, end)


def _notice(calendar: Calendar, visit: Span) -> Obstacle | None:
    return Obstacle.TOO_SOON if visit.start < calendar.bookable.start else None


def _horizon(calendar: Calendar, visit: Span) -> Obstacle | None:
    return Obstacle.BEYOND_HORIZON if visit.start >= calendar.bookable.end else None


def _hours(calendar: Calendar, visit: Span) -> Obstacle | None:
    """One opening that takes the visit is enough; else the opening that came closest to taking it gives the reason."""
    step = calendar.rules.slot_step_min // _TICK_MIN
    reasons = [opening.obstacle(visit, step) for opening in calendar.openings_at(visit.start)]
    if None in reasons:
        return None
    return next((reason for reason in (Obstacle.ON_BREAK, Obstacle.OFF_GRID) if reason in reasons), Obstacle.CLOSED)


def _occupancy(calendar: Calendar, visit: Span) -> Obstacle | None:
    return None if calendar.taken.isdisjoint(_occupied(calendar.rules, visit)) else Obstacle.TAKEN


# Asked in this order. Notice and horizon come first: they keep the others away from years that a date cannot hold.
_RULES: tuple[Callable[[Calendar, Span], Obstacle | None], ...] = (_notice, _horizon, _hours, _occupancy)


def _visit(start: datetime, duration_min: int) -> Span:
    tick = tick_of(start)
    return Span(tick, tick + _length(duration_min))


def _length(duration_min: int) -> int:
    if duration_min <= 0:
        raise ValueError(f"a visit of {duration_min} minutes occupies no time")
    return -(-duration_min // _TICK_MIN)


def _occupied(rules: BookingRules, visit: Span) -> range:
    return range(visit.start - rules.buffer_before_min // _TICK_MIN, visit.end + rules.buffer_after_min // _TICK_MIN)


def _ceil_tick(since_epoch: timedelta) -> int:
    return -(-since_epoch // _TICK)
