"""Count time in ticks, the 5-minute steps of Unix time: tick n begins n * 300 seconds after 1970-01-01T00:00Z.

Wall times lie on whole ticks in every zone, because no offset has left the quarter-hours since 1972. They become
instants by RFC 5545, section 3.3.5, for openings, closings and breaks alike. A time that exists twice is the first of
the two. A time that a clock change skips is read with the offset before the change: 02:30 in a gap from 02:00 to 03:00
is the instant at which the clock shows 03:30. Python does the same with `fold=0` (PEP 495). A span that this turns
inside out, 02:30 to 03:00 in that gap, is empty.
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
    """Ticks from `start` up to, not including, `end`; empty where the end is not after the start."""

    start: int
    end: int

    def meets(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end

    def shifted(self, ticks: int) -> "Span":
        return Span(self.start + ticks, self.end + ticks)


def tick_of(moment: datetime) -> int:
    """The tick that holds an aware moment."""
    # Every slot comes by here, and dividing the difference by a timedelta takes twice as long.
    since_epoch = moment - EPOCH
    return since_epoch.days * TICKS_A_DAY + since_epoch.seconds // _TICK_S


def first_tick_from(moment: datetime) -> int:
    """The first tick that begins at an aware moment or after it."""
    return -(-(moment - EPOCH) // TICK)


def moment_of(tick: int) -> datetime:
    """When a tick begins, in UTC."""
    return EPOCH + tick * TICK


def is_aligned(moment: datetime) -> bool:
    """Whether a tick begins at an aware moment."""
    since_epoch = moment - EPOCH
    return not (since_epoch.seconds % _TICK_S or since_epoch.microseconds)


def span_between(start: datetime, end: datetime) -> Span:
    """All ticks that [start, end) touches; both aware."""
    return Span(tick_of(start), first_tick_from(end))


def wall_span(minutes: tuple[int, int], day: date, timezone: ZoneInfo) -> Span:
    """From minutes of wall-clock time after a date's midnight to ticks, by the rule at the top of this file."""
    midnight = datetime.combine(day, time(), tzinfo=timezone)
    start, end = (tick_of(midnight + timedelta(minutes=minute)) for minute in minutes)
    return Span(start, end)


@lru_cache(maxsize=4096)
def local_day(day: date, timezone: ZoneInfo) -> Span:
    """A local date from midnight to midnight."""
    return wall_span((0, DAY_MIN), day, timezone)


def ticks_for(minutes: int) -> int:
    """How many ticks so many minutes take, the last perhaps in part."""
    return -(-minutes // TICK_MIN)
