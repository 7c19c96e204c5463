"""Explain the starts of a day that cannot be booked."""

from datetime import date, datetime
from typing import NamedTuple

from grome.scheduling.slots import Calendar, Unavailability, rejected_starts
from grome.scheduling.tick_masks import every_nth, iter_ticks
from grome.scheduling.ticks import moment_of, ticks_for
from grome.scheduling.visit_plan import VisitPlan


class RejectedStart(NamedTuple):
    start: datetime
    reason: Unavailability


def explain_day(calendar: Calendar, day: date, visit: VisitPlan) -> list[RejectedStart]:
    """List the rejected starts of a local date among the starts that a customer might expect, earliest first.

    A customer might expect the steps from midnight on and, within the horizon, the grids of the openings. The first and
    the last date of Python's calendar have no midnight in every zone; for these dates the list is empty.
    """
    if day in (date.min, date.max):
        return []
    whole, step = calendar.span_of_day(day), ticks_for(calendar.rules.slot_step_min)
    expected = every_nth(whole, step, whole)
    if calendar.today <= day <= calendar.last_day:
        for opening in calendar.openings_within(whole):
            expected |= opening.grid_starts(step, whole)
    return sorted(
        RejectedStart(moment_of(tick), reason)
        for reason, rejected in rejected_starts(calendar, visit, whole, expected)
        for tick in iter_ticks(rejected, whole)
    )
