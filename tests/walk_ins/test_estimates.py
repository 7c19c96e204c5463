"""Estimates fit a queue into the free time; a naive search gives the same starts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.scheduling.models import BookingRules
from grome.scheduling.slots import Calendar
from grome.scheduling.ticks import span_between, tick_of
from grome.scheduling.visit_plan import VisitPlan
from grome.walk_ins.estimates import MeasuredVisit, duration_at_pace, estimated_starts, overrun_span, pace_of
from tests.builders.hours import a_day, every_day

NOON = datetime(2027, 5, 4, 12, tzinfo=UTC)
CLOSING = NOON.replace(hour=18)
MINUTE = timedelta(minutes=1)


def a_calendar(*taken: tuple[int, int], breaks: tuple[tuple[str, str], ...] = ()) -> Calendar:
    """Return a calendar that is open from 9:00 to 18:00; `taken` are minutes after noon."""
    ticks = (range(*span_between(NOON + first * MINUTE, NOON + last * MINUTE)) for first, last in taken)
    hours = every_day(a_day("09:00", "18:00", *breaks))
    return Calendar(ZoneInfo("UTC"), hours, BookingRules(min_notice_min=600), NOON, frozenset().union(*ticks))


def minutes(found: list[datetime | None]) -> list[int | None]:
    return [int((start - NOON) / MINUTE) if start else None for start in found]


@pytest.mark.parametrize(
    ("taken", "breaks", "queue", "expected"),
    [
        ([], (), [30], [0]),
        ([], (), [30, 20, 60], [0, 30, 50]),
        ([(0, 45)], (), [30, 30], [45, 75]),
        ([(20, 60)], (), [30, 20], [60, 0]),  # the shorter visit fits before
        ([(0, 10), (25, 60)], (), [30, 15, 15], [60, 10, 90]),
        ([], (("12:30", "13:00"),), [45, 30], [60, 0]),
        ([(0, 300)], (), [60, 5], [300, None]),
        ([(0, 330)], (), [60], [None]),
    ],
)
def test_estimates_of_each_example(
    taken: list[tuple[int, int]],
    breaks: tuple[tuple[str, str], ...],
    queue: list[int],
    expected: list[int | None],
) -> None:
    found = estimated_starts(a_calendar(*taken, breaks=breaks), [VisitPlan(length) for length in queue], NOON, CLOSING)
    assert minutes(found) == expected


spans = st.tuples(st.integers(0, 71), st.integers(1, 12)).map(lambda one: (one[0] * 5, (one[0] + one[1]) * 5))


@settings(max_examples=60)
@given(st.lists(spans, max_size=5), st.lists(st.integers(1, 24).map(lambda ticks: ticks * 5), max_size=6))
def test_estimates_do_not_overlap_and_take_the_first_free_start(taken: list[tuple[int, int]], queue: list[int]) -> None:
    calendar = a_calendar(*taken)
    occupied, first = set(calendar.taken), tick_of(NOON)
    for length, start in zip(
        queue, estimated_starts(calendar, [VisitPlan(one) for one in queue], NOON, CLOSING), strict=True
    ):
        ticks = length // 5
        possible = [
            tick
            for tick in range(first, tick_of(CLOSING) - ticks + 1)
            if occupied.isdisjoint(range(tick, tick + ticks))
        ]
        assert (tick_of(start) if start else None) == (possible[0] if possible else None)
        if start:
            occupied |= set(range(tick_of(start), tick_of(start) + ticks))


def test_pace_is_the_median_of_enough_visits() -> None:
    assert pace_of([MeasuredVisit(30, 60)] * 4) == 1.0
    assert pace_of([MeasuredVisit(30, 33)] * 4 + [MeasuredVisit(30, 600)]) == pytest.approx(1.1)
    assert pace_of([MeasuredVisit(30, 600)] * 5) == 2.0
    assert pace_of([MeasuredVisit(30, 1)] * 5) == 0.5
    assert [duration_at_pace(30, pace) for pace in (1.0, 1.1, 0.5, 0.01)] == [30, 35, 15, 5]


def test_overrun_follows_the_pace_and_the_real_start() -> None:
    began, agreed = NOON - 30 * MINUTE, (NOON - 30 * MINUTE, NOON)
    assert overrun_span(began, agreed, 1.0, NOON - 10 * MINUTE) == span_between(NOON, NOON)
    assert overrun_span(began, agreed, 1.5, NOON - 10 * MINUTE) == span_between(NOON, NOON + 15 * MINUTE)
    assert overrun_span(began, agreed, 1.0, NOON + 20 * MINUTE) == span_between(NOON, NOON + 25 * MINUTE)
    an_hour_early = (NOON + 30 * MINUTE, NOON + 60 * MINUTE)
    assert overrun_span(began, an_hour_early, 1.0, NOON - 10 * MINUTE) == span_between(NOON - 10 * MINUTE, NOON)
    assert overrun_span(began, an_hour_early, 1.0, NOON + 10 * MINUTE) == span_between(
        NOON + 10 * MINUTE, NOON + 15 * MINUTE
    )


@pytest.mark.parametrize(
    ("taken", "queue", "expected"),
    [
        ([], [30], [2]),
        ([], [30, 30], [2, 35]),  # the first visit takes until 12:32
        ([(30, 60)], [30, 10], [2, 60]),
        ([(0, 5)], [30], [5]),
    ],
)
def test_estimates_begin_in_the_running_tick_if_it_is_free(
    taken: list[tuple[int, int]], queue: list[int], expected: list[int]
) -> None:
    """The time is two minutes after noon."""
    now = NOON + 2 * MINUTE
    assert (
        minutes(estimated_starts(a_calendar(*taken), [VisitPlan(length) for length in queue], now, CLOSING)) == expected
    )


def test_estimates_on_a_closed_day_are_none() -> None:
    calendar = a_calendar()
    assert calendar.today == date(2027, 5, 4)
    assert estimated_starts(calendar, [VisitPlan(30)], CLOSING, CLOSING) == [None]
