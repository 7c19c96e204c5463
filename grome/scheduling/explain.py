"""Why times are not offered."""

from datetime import date, datetime
from typing import NamedTuple

from grome.scheduling.slots import Calendar, Obstacle, refusals
from grome.scheduling.tick_masks import comb, ticks_in
from grome.scheduling.ticks import moment_of, ticks_for
from grome.scheduling.visit_plan import Visit


class Refused(NamedTuple):
    start: datetime
    why: Obstacle


def explained(calendar: Calendar, day: date, visit: Visit) -> list[Refused]:
    """Every start of a local date that customers might expect and that cannot be booked, by time.

    Those are the steps from midnight on and, on the dates that can be booked, the grids of the openings. A date too far
    away for a midnight has none.
    """
    if day in (date.min, date.max):
        return []
    whole, step = calendar.day(day), ticks_for(calendar.rules.slot_step_min)
    expected = comb(whole, step, whole)
    if calendar.today <= day <= calendar.last_day:
        for opening in calendar.openings(whole):
            expected |= opening.grid(step, whole)
    return sorted(
        Refused(moment_of(tick), why)
        for why, refused in refusals(calendar, visit, whole, expected)
        for tick in ticks_in(refused, whole)
    )
