"""Why times are not offered."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from grome.availability.slots import Calendar, Obstacle, obstacle
from grome.availability.ticks import Span, moment_of
from grome.availability.visits import Visit


class Refused(NamedTuple):
    start: datetime
    why: Obstacle


def refusals(calendar: Calendar, day: date, visit: Visit) -> list[Refused]:
    """Every start of a local date that customers might expect and that cannot be booked, by time.

    Those are the steps from midnight on, and the grids of the openings. A date too far away for a midnight has none.
    """
    if day in (date.min, date.max):
        return []
    starts = (moment_of(tick) for tick in sorted(set(_expected(calendar, day))))
    return [Refused(start, why) for start in starts if (why := obstacle(calendar, start, visit))]


def _expected(calendar: Calendar, day: date) -> Iterator[int]:
    whole = calendar.day(day)
    step = calendar.step
    yield from range(whole.start, whole.end, step)
    for tick in (whole.start, whole.end - 1):
        for opening in calendar.openings_at(tick):
            yield from opening.grid(Span(*whole), step)
