"""Calculate the starts of a series in the barber's wall-clock time, across changes of daylight saving time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday  # type: ignore[import-untyped]

from grome.series.models import MAX_VISITS, Repeat

_DAYS_PER_WEEK: Final = 7
_LAST_WEEKDAY: Final = -1
_MAX_NTH_WEEKDAY: Final = 4


def list_starts(repeat: Repeat, first: datetime, timezone: ZoneInfo) -> list[datetime]:
    """List the starts in UTC, beginning with `first` (aware).

    The list has `MAX_VISITS` + 1 starts if `until` allows too many. A wall time that a clock change skips or repeats is
    interpreted as in `grome/scheduling/ticks.py`.
    """
    walls = _iter_wall_times(repeat, first.astimezone(timezone).replace(tzinfo=None))
    later = islice(walls, 1, repeat.count or MAX_VISITS + 1)
    within = takewhile(lambda wall: repeat.until is None or wall.date() <= repeat.until, later)
    return [first, *(wall.replace(tzinfo=timezone).astimezone(UTC) for wall in within)]


def shift_start(start: datetime, by: tuple[datetime, datetime], timezone: ZoneInfo) -> datetime:
    """Shift a start by the wall-clock difference of two moments; all are aware."""
    was, will_be, wall = (moment.astimezone(timezone).replace(tzinfo=None) for moment in (*by, start))
    return (wall + (will_be - was)).replace(tzinfo=timezone).astimezone(UTC)


def _iter_wall_times(repeat: Repeat, first: datetime) -> Iterator[datetime]:
    if repeat.every == "week":
        return iter(rrule(WEEKLY, first, repeat.interval))
    nth = (first.day - 1) // _DAYS_PER_WEEK + 1
    on = weekday(first.weekday(), nth if nth <= _MAX_NTH_WEEKDAY else _LAST_WEEKDAY)
    return iter(rrule(MONTHLY, first, repeat.interval, byweekday=on))
