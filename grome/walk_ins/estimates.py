"""Estimate the starts of waiting walk-ins: fit the queue into the free time, at the barber's real pace."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import Final, NamedTuple

import msgspec

from grome.scheduling.slots import Calendar, first_slot_between
from grome.scheduling.ticks import TICK, TICK_MIN, Span, moment_of, span_between, tick_of
from grome.scheduling.visit_plan import VisitPlan

# With fewer visits, the median is no estimate of a barber's pace.
_MIN_MEASURED_VISITS: Final = 5
_FASTEST, _SLOWEST = 0.5, 2.0


class MeasuredVisit(NamedTuple):
    """The planned and actual duration of a completed visit, in minutes."""

    planned: float
    actual: float


def pace_of(visits: Sequence[MeasuredVisit]) -> float:
    """Return the median ratio of actual to planned minutes; a single forgotten visit does not distort the median."""
    shares = [visit.actual / visit.planned for visit in visits if visit.planned > 0]
    if len(shares) < _MIN_MEASURED_VISITS:
        return 1.0
    return round(min(max(median(shares), _FASTEST), _SLOWEST), 2)


def duration_at_pace(duration_min: int, pace: float) -> int:
    """Return the expected minutes, in whole ticks."""
    return max(-int(-duration_min * pace // TICK_MIN), 1) * TICK_MIN


def overrun_span(began_at: datetime, agreed: tuple[datetime, datetime], pace: float, now: datetime) -> Span:
    """Return the ticks that a visit in progress will take without holding them; perhaps none.

    The visit takes the planned time at its barber's pace, and at least five more minutes once that time is over. If it
    began before its agreed time, the chair is taken from now on, regardless of the ticks that other bookings left it to
    claim.
    """
    starts_at, ends_at = agreed
    planned = int((ends_at - max(began_at, starts_at)) / timedelta(minutes=1))
    expected = began_at + timedelta(minutes=duration_at_pace(planned, pace)) if planned > 0 else now
    first = now if began_at < starts_at else ends_at
    return span_between(first, max(expected, now + TICK, first))


def estimated_starts(
    calendar: Calendar, visits: Sequence[VisitPlan], now: datetime, closing: datetime
) -> list[datetime | None]:
    """Return, for each waiting visit in order, the first start with room for it; None if there is none today.

    A later visit may slip into a gap that is too short for earlier visits, but takes no time from them. Notice, grid,
    buffers and caps do not matter for customers that are already there, and the running tick may be claimed. A visit
    that begins within the running tick still takes its full time, and the next visit waits for its end.
    """
    rules = msgspec.structs.replace(
        calendar.rules, slot_step_min=TICK_MIN, min_notice_min=0, buffer_before_min=0, buffer_after_min=0
    )
    running = moment_of(tick_of(now))
    at_once = replace(calendar, rules=rules, now=running)
    found: list[datetime | None] = []
    for visit in visits:
        slot = first_slot_between(at_once, running, closing, visit)
        found.append(max(slot.start, now) if slot else None)
        if slot:
            stays = span_between(slot.start, max(slot.end, now + timedelta(minutes=visit.duration_min)))
            at_once = replace(at_once, taken=at_once.taken | set(range(*stays)))
    return found
