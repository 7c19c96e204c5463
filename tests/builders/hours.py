"""Build weekly hours: keyword builders for examples, strategies for properties."""

from datetime import date
from itertools import pairwise

from hypothesis import strategies as st

from grome.scheduling.models import Break, DayHours, WeeklyHours

WEEKDAYS = WeeklyHours.__struct_fields__


def a_day(
    start_time: str = "09:00", end_time: str = "17:00", *breaks: tuple[str, str], is_available: bool = True
) -> DayHours:
    return DayHours(is_available, start_time, end_time, tuple(Break(*times) for times in breaks))


def a_week(**days: DayHours) -> WeeklyHours:
    """Build a week that is closed on days without an argument."""
    return WeeklyHours(**{weekday: days.get(weekday, a_day(is_available=False)) for weekday in WEEKDAYS})


def every_day(day: DayHours) -> WeeklyHours:
    return a_week(**dict.fromkeys(WEEKDAYS, day))


def only_on(day: date, hours: DayHours) -> WeeklyHours:
    return a_week(**{WEEKDAYS[day.weekday()]: hours})


@st.composite
def day_hours(draw: st.DrawFn, around_the_clock_from: int | None = None) -> DayHours:
    """Draw a valid day: open or closed, up to 24 hours, perhaps over midnight, with breaks in any order."""
    if around_the_clock_from is None:
        start = draw(st.integers(0, 287)) * 5
        length = draw(st.one_of(st.integers(1, 288), st.sampled_from([48, 96, 288]))) * 5
    else:
        start, length = around_the_clock_from, 24 * 60
    cuts = sorted(draw(st.sets(st.integers(0, length // 5), max_size=6)))
    spans = [(start + 5 * first, start + 5 * last) for first, last in pairwise(cuts) if draw(st.booleans())]
    breaks = [Break(_clock(first), draw(_end_clocks(last))) for first, last in draw(st.permutations(spans))]
    return DayHours(
        is_available=draw(st.sampled_from([True, True, True, False])),
        start_time=_clock(start),
        end_time=draw(_end_clocks(start + length)),
        breaks=tuple(breaks),
    )


@st.composite
def weekly_hours(draw: st.DrawFn) -> WeeklyHours:
    """Draw a valid week with up to three different days; in some weeks each opening begins when another ends."""
    from_then_on = draw(st.none() | st.integers(0, 287).map(lambda tick: tick * 5))
    kinds = draw(st.lists(day_hours(from_then_on), min_size=1, max_size=3))
    return WeeklyHours(*[draw(st.sampled_from(kinds)) for _ in WEEKDAYS])


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _end_clocks(minutes: int) -> st.SearchStrategy[str]:
    """Draw an end time; midnight can be 00:00 or 24:00."""
    return st.sampled_from(["00:00", "24:00"]) if minutes % 1440 == 0 else st.just(_clock(minutes))
