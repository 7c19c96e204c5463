"""Why times are not offered."""

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
    """Every start of a local date that customers might expect and that cannot be booked, by time.

    Those are the steps from midnight on and, on the dates that can be booked, the grids of the openings. A date too far
    away for a midnight has none.
    """
    if day in (date.min, date.max):
        return []
    whole, step = calendar.span_of_day(day), ticks_for(calendar.rules.slot_step_min)
    expected = every_nth(whole, step, whole)
    if calendar.today <= day <= calendar.last_day:
        for opening in calendar.openings_within(whole):
            expected |= opening.grid_starts(step, whole)
    return sorted(
        RejectedStart(moment_of(tick), why)
        for why, refused in rejected_starts(calendar, visit, whole, expected)
        for tick in iter_ticks(refused, whole)
    )
