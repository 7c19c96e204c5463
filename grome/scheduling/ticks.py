"""Count time in ticks, the 5-minute steps of Unix time: tick n begins n * 300 seconds after 1970-01-01T00:00Z.

Wall times lie on whole ticks in every zone, because all offsets since 1972 are multiples of a quarter of an hour.
Openings, closings and breaks become instants by RFC 5545, section 3.3.5. A wall time that occurs twice stands for its
first occurrence. A wall time that a clock change skips is read with the offset before the change: 02:30 in a gap from
02:00 to 03:00 is the instant at which the clock shows 03:30. Python does the same with `fold=0` (PEP 495). If
the end of a span then lies before its start, such as 02:30 to 03:00 in this gap, the span is empty.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TICK_MIN: Final = 5
TICK: Final = timedelta(minutes=TICK_MIN)
DAY_MIN: Final = 24 * 60
TICKS_A_DAY: Final = DAY_MIN // TICK_MIN
_TICK_S: Final = 60 * TICK_MIN


class Span(NamedTuple):
    """Holds the ticks from `start` up to, not including, `end`; empty if the end is not after the start."""

    start: int
    end: int

    def meets(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end

    def shifted(self, ticks: int) -> "Span":
        return Span(self.start + ticks, self.end + ticks)


def tick_of(moment: datetime) -> int:
    """Return the tick that contains an aware moment."""
    # Called for every slot; dividing the difference by a timedelta takes twice as long.
    since_epoch = moment - EPOCH
    return since_epoch.days * TICKS_A_DAY + since_epoch.seconds // _TICK_S


def first_tick_from(moment: datetime) -> int:
    """Return the first tick that begins at or after an aware moment."""
    return -(-(moment - EPOCH) // TICK)


def moment_of(tick: int) -> datetime:
    """Return the start of a tick, in UTC."""
    return EPOCH + tick * TICK


def is_aligned(moment: datetime) -> bool:
    """Return whether a tick begins exactly at an aware moment."""
    since_epoch = moment - EPOCH
    return not (since_epoch.seconds % _TICK_S or since_epoch.microseconds)


def span_between(start: datetime, end: datetime) -> Span:
    """Return all ticks that [start, end) touches; both moments are aware."""
    return Span(tick_of(start), first_tick_from(end))


def wall_span(minutes: tuple[int, int], day: date, timezone: ZoneInfo) -> Span:
    """Convert minutes of wall-clock time after a date's midnight to ticks, by the rules of the module docstring."""
    midnight = datetime.combine(day, time(), tzinfo=timezone)
    start, end = (tick_of(midnight + timedelta(minutes=minute)) for minute in minutes)
    return Span(start, end)


@lru_cache(maxsize=4096)
def local_day(day: date, timezone: ZoneInfo) -> Span:
    """Return a local date from midnight to midnight."""
    return wall_span((0, DAY_MIN), day, timezone)


def ticks_for(minutes: int) -> int:
    """Return the number of ticks that cover so many minutes, rounded up."""
    return -(-minutes // TICK_MIN)
