"""What can be booked. `obstacle` is the only decision: the list of slots and the creation of a booking both ask it."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from grome.availability.caps import SeatsOfDay, seats_taken
from grome.availability.models import BookingRules, DayHours, WeeklyHours
from grome.availability.ticks import (
    EPOCH,
    TICK,
    TICKS_A_DAY,
    Span,
    first_tick_from,
    is_aligned,
    local_day,
    moment_of,
    tick_of,
    ticks_for,
    wall_span,
)
from grome.availability.visits import Visit

# Openings that can hold an instant begin on a date this many days from the instant's own, be that in UTC or local: an
# opening ends at most 48 hours after its date began, and offsets from UTC shift that by less than 16 hours either way.
_NEARBY_DAYS = range(-2, 2)


class Obstacle(StrEnum):
    """Why a start cannot be booked: a stable code, and a sentence for the customer."""

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

    _value_: str
    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member


class Slot(NamedTuple):
    """What the customer sees of a booking, in UTC, without buffers."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    hours: Span
    breaks: tuple[Span, ...]

    def obstacle(self, asked: "Asked", start: int) -> Obstacle | None:
        if start < self.hours.start or start + asked.length > self.hours.end:
            return Obstacle.CLOSED
        if (start - self.hours.start) % asked.step:
            return Obstacle.OFF_GRID
        if any(pause.meets(work.shifted(start)) for pause in self.breaks for work in asked.at_work):
            return Obstacle.ON_BREAK
        return None

    def grid(self, within: Span, step: int) -> range:
        """The starts that lie in a span, counted in steps from the opening."""
        begin = max(self.hours.start, within.start)
        return range(begin + (self.hours.start - begin) % step, min(self.hours.end, within.end), step)


class Asked(NamedTuple):
    """A visit in ticks, worked out once for all of its possible starts; spans are counted from the start."""

    length: int
    step: int
    at_work: list[Span]
    kept: list[Span]
    visit: Visit


@dataclass(frozen=True)
class Calendar:
    """What is known of one barber when a decision is made; `now` is aware, in any zone.

    `rules` are those that hold for the visit in question. `taken` holds the ticks of the bookings that occupy time,
    each with its own buffers, and their seats. It must be complete for the ticks that the booking asked for would
    occupy, and for the seats of its date; for `first_slot_between`, for what `occupiable` gives; for `free_slots`, from
    00:00Z of the day before the first date to 00:00Z of the third day after the last.
    """

    timezone: ZoneInfo
    hours: WeeklyHours
    rules: BookingRules
    now: datetime
    taken: frozenset[int] = frozenset()
    overrides: Mapping[date, DayHours | None] = field(default_factory=dict)
    time_off: tuple[Span, ...] = ()
    holidays: Container[date] = ()
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
        return Span(first_tick_from(self.now.astimezone(UTC) + notice), self.day(self.last_day).end)

    @cached_property
    def seats_taken(self) -> Counter[SeatsOfDay]:
        return seats_taken(self.taken)

    @property
    def step(self) -> int:
        """In ticks."""
        return ticks_for(self.rules.slot_step_min)

    def asked(self, visit: Visit) -> Asked:
        return Asked(ticks_for(visit.duration_min), self.step, visit.at_work(), visit.kept(self.rules), visit)

    def is_holiday(self, day: date) -> bool:
        """An override says more of its date than any holiday."""
        return day not in self.overrides and day in self.holidays

    def opening(self, day: date) -> Opening | None:
        """The opening that begins on a local date."""
        if self.is_holiday(day):
            return None
        hours = self.overrides.get(day, self.hours.on(day))
        return _opening(hours, day, self.timezone) if hours else None

    def date_of(self, tick: int) -> date:
        return moment_of(tick).astimezone(self.timezone).date()

    def openings_at(self, tick: int) -> list[Opening]:
        """Every opening that holds the tick, and perhaps others of the same day in UTC; worked out once a day."""
        day = tick // TICKS_A_DAY
        if day not in self._openings_by_utc_day:
            midnight, ordinal = day * TICKS_A_DAY, day + EPOCH.toordinal()
            nearby = (self.opening(date.fromordinal(ordinal + days)) for days in _NEARBY_DAYS)
            self._openings_by_utc_day[day] = [
                opening
                for opening in nearby
                if opening and opening.hours.start < midnight + TICKS_A_DAY and midnight < opening.hours.end
            ]
        return self._openings_by_utc_day[day]

    def grid(self, wanted: Span) -> Iterator[int]:
        """The starts that the openings' grids have in a span, in order, worked out as far as they are asked for.

        Without those that notice, horizon or occupancy would refuse at a glance: most of them, where much is booked.
        """
        begin, end = max(wanted.start, self.bookable.start), min(wanted.end, self.bookable.end)
        while begin < end:
            midnight = (begin // TICKS_A_DAY + 1) * TICKS_A_DAY
            within = Span(begin, min(end, midnight))
            grids = (opening.grid(within, self.step) for opening in self.openings_at(begin))
            yield from sorted(set().union(*grids) - self.taken)
            begin = midnight

    def day(self, day: date) -> Span:
        """A local date from midnight to midnight."""
        return local_day(day, self.timezone)


def obstacle(calendar: Calendar, start: datetime, visit: Visit) -> Obstacle | None:
    """Why the visit cannot begin at `start` (aware), or None if it can. The first rule to object gives the reason."""
    if not is_aligned(start):
        return Obstacle.MISALIGNED
    return _objection(calendar, calendar.asked(visit), tick_of(start))


def free_slots(calendar: Calendar, first: date, last: date, visit: Visit) -> list[tuple[date, list[Slot]]]:
    """Each date from `first` to `last`, both included, with the slots whose start has that local date, by time.

    Dates without slots are listed too, so the caller bounds the range. What is offered is what `obstacle` lets pass.
    """
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    asked = calendar.asked(visit)
    return [(day, list(_slots_on(calendar, day, asked))) for day in days]


def first_slot_between(calendar: Calendar, start: datetime, end: datetime, visit: Visit) -> Slot | None:
    """The earliest slot that lies wholly between two aware moments, buffers aside; the search ends where it is found.

    It is the first of those that `free_slots` would list.
    """
    latest = end - EPOCH - timedelta(minutes=visit.duration_min)  # of Unix time: there may be no such date
    starts = Span(first_tick_from(start), latest // TICK + 1)
    return next(_slots_in(calendar, starts, calendar.asked(visit)), None)


def occupiable(wanted: Iterable[tuple[BookingRules, Visit]], start: datetime, end: datetime) -> Span:
    """All that must be known of what is taken, in order to say where visits by such rules fit in between two moments.

    That are the ticks that one of them can keep from others and, where there are daily caps, whole dates.
    """
    inner, whole = Span(tick_of(start), first_tick_from(end)), False
    held = [inner]
    for rules, visit in wanted:
        kept = visit.kept(rules)
        held.append(Span(inner.start + kept[0].start, inner.end + kept[-1].end - ticks_for(visit.duration_min)))
        whole |= bool(visit.caps)
    # A date in any zone lies within this many ticks of each of its moments.
    around = 2 * TICKS_A_DAY if whole else 0
    return Span(min(ticks.start for ticks in held) - around, max(ticks.end for ticks in held) + around)


def occupied_ticks(rules: BookingRules, start: datetime, visit: Visit) -> list[int]:
    """The ticks that a booking keeps from others, its buffers included and its gaps left out."""
    begin = tick_of(start)
    return [begin + tick for span in visit.kept(rules) for tick in range(*span)]


def _slots_on(calendar: Calendar, day: date, asked: Asked) -> Iterator[Slot]:
    """None on other dates than the bookable ones; those may be too far away to have a midnight."""
    if calendar.today <= day <= calendar.last_day:
        yield from _slots_in(calendar, calendar.day(day), asked)


def _slots_in(calendar: Calendar, starts: Span, asked: Asked) -> Iterator[Slot]:
    duration = timedelta(minutes=asked.visit.duration_min)
    for tick in calendar.grid(starts):
        if _objection(calendar, asked, tick) is None:
            start = moment_of(tick)
            yield Slot(start, start + duration)


def _objection(calendar: Calendar, asked: Asked, start: int) -> Obstacle | None:
    for rule in _RULES:
        if reason := rule(calendar, asked, start):
            return reason
    return None


# Most of the cost of a decision about one start, and the same for all whose day looks alike. Some 4 MB when full.
@lru_cache(maxsize=4096)
def _opening(hours: DayHours, day: date, timezone: ZoneInfo) -> Opening | None:
    if not hours.is_available:
        return None
    breaks = (wall_span(minutes, day, timezone) for minutes in hours.break_minutes)
    return Opening(
        wall_span(hours.minutes, day, timezone),
        tuple(pause for pause in breaks if pause.start < pause.end),  # an empty one must not part a visit
    )


def _notice(calendar: Calendar, _: Asked, start: int) -> Obstacle | None:
    return Obstacle.TOO_SOON if start < calendar.bookable.start else None


def _horizon(calendar: Calendar, _: Asked, start: int) -> Obstacle | None:
    return Obstacle.BEYOND_HORIZON if start >= calendar.bookable.end else None


def _hours(calendar: Calendar, asked: Asked, start: int) -> Obstacle | None:
    """One opening that takes the visit is enough; else the opening that came closest to taking it gives the reason."""
    reasons = [opening.obstacle(asked, start) for opening in calendar.openings_at(start)]
    if None in reasons:
        return None
    closed = Obstacle.HOLIDAY if calendar.is_holiday(calendar.date_of(start)) else Obstacle.CLOSED
    return next((reason for reason in (Obstacle.ON_BREAK, Obstacle.OFF_GRID) if reason in reasons), closed)


def _time_off(calendar: Calendar, asked: Asked, start: int) -> Obstacle | None:
    """Who is away cannot tend to a gap either."""
    visible = Span(start, start + asked.length)
    return Obstacle.TIME_OFF if any(off.meets(visible) for off in calendar.time_off) else None


def _caps(calendar: Calendar, asked: Asked, start: int) -> Obstacle | None:
    if not asked.visit.caps:
        return None
    day, taken = calendar.date_of(start).toordinal(), calendar.seats_taken
    is_full = any(taken[SeatsOfDay(day, cap.subject)] >= cap.most for cap in asked.visit.caps)
    return Obstacle.DAY_FULL if is_full else None


def _occupancy(calendar: Calendar, asked: Asked, start: int) -> Obstacle | None:
    taken = calendar.taken
    for begin, end in asked.kept:
        if not taken.isdisjoint(range(start + begin, start + end)):
            return Obstacle.TAKEN
    return None


# Asked in this order. Notice and horizon come first: they keep the others away from years that a date cannot hold.
_RULES: tuple[Callable[[Calendar, Asked, int], Obstacle | None], ...] = (
    _notice,
    _horizon,
    _hours,
    _time_off,
    _caps,
    _occupancy,
)
