"""Test that the first slot of a window equals the first listed slot in it, with a bounded search."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.scheduling.daily_caps import cap_on_visits
from grome.scheduling.models import BookingRules, DayHours
from grome.scheduling.slots import Calendar, Slot, first_slot_between, free_slots, required_span
from grome.scheduling.ticks import Span, span_between
from grome.scheduling.visit_plan import VisitPlan
from tests.builders.hours import a_day, every_day
from tests.scheduling.cases import BERLIN, Case, cases

TICK = timedelta(minutes=5)
DAY = timedelta(days=1)
NOON = datetime(2027, 5, 4, 12, tzinfo=UTC)


@st.composite
def windows(draw: st.DrawFn, case: Case) -> tuple[datetime, datetime]:
    """Draw windows, mostly ending close to the start or end of a slot; some are empty or backwards."""
    edges = [moment for slot in case.offered() for moment in slot] or [case.calendar.now]
    just = st.sampled_from([timedelta(0), timedelta(microseconds=1), TICK, case.duration_min * timedelta(minutes=1)])
    near_a_slot = st.builds(
        lambda edge, off, sign: edge + sign * off, st.sampled_from(edges), just, st.sampled_from([1, -1])
    )
    anywhere = st.integers(-4 * 86400, 4 * 86400).map(lambda seconds: edges[0] + timedelta(seconds=seconds))
    start = draw(near_a_slot | anywhere)
    length = st.integers(-86400, 7 * 86400).map(lambda seconds: start + timedelta(seconds=seconds))
    return start, draw(near_a_slot | anywhere | length)


def first_listed(case: Case, start: datetime, end: datetime) -> Slot | None:
    days = free_slots(case.calendar, start.date() - 2 * DAY, max(start, end).date() + 2 * DAY, case.visit)
    return next((slot for _, slots in days for slot in slots if slot.start >= start and slot.end <= end), None)


@settings(max_examples=150)
@given(cases(), st.data())
def test_first_slot_is_the_first_listed_slot_in_the_window(case: Case, data: st.DataObject) -> None:
    start, end = data.draw(windows(case))
    found = first_slot_between(case.calendar, start, end, case.visit)
    assert found == first_listed(case, start, end)
    elsewhere = timezone(timedelta(hours=13))
    again = replace(case.calendar, now=case.calendar.now.astimezone(elsewhere))
    assert first_slot_between(again, start.astimezone(elsewhere), end, case.visit) == found


@settings(max_examples=60)
@given(cases(), st.data())
def test_taken_ticks_outside_the_required_span_do_not_matter(case: Case, data: st.DataObject) -> None:
    def knowing(starts: Span) -> Calendar:
        known = range(*required_span(case.calendar, case.visit, starts))
        return replace(
            case.calendar, taken=frozenset(tick for tick in case.calendar.taken if tick < 0 or tick in known)
        )

    start, end = data.draw(windows(case))
    seen = knowing(case.calendar.starts_between(start, end, case.visit))
    assert first_slot_between(seen, start, end, case.visit) == first_listed(case, start, end)
    seen = knowing(case.calendar.starts_on(case.first, case.last))
    assert replace(case, calendar=seen).offered() == case.offered()


def a_calendar(taken: frozenset[int] = frozenset(), **rules: int) -> Calendar:
    given_rules = {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 60} | rules
    return Calendar(ZoneInfo(BERLIN), every_day(a_day("00:00", "24:00")), BookingRules(**given_rules), NOON, taken)


def test_required_span_covers_the_visit_and_whole_dates_under_a_cap() -> None:
    noon = int(NOON.timestamp()) // 300
    calendar = a_calendar(buffer_before_min=30, buffer_after_min=15)
    assert required_span(calendar, VisitPlan(30), Span(noon, noon + 2)) == (noon - 6, noon + 1 + 6 + 3)
    assert required_span(calendar, VisitPlan(30), Span(noon, noon)) == (0, 0)
    far = VisitPlan(30, travel_min=20)
    assert required_span(a_calendar(), far, Span(noon, noon + 1)) == (noon - 4, noon + 6 + 4)
    capped = VisitPlan(30, caps=(cap_on_visits(3),))
    midnight = noon - 14 * 12  # in Berlin
    assert required_span(calendar, capped, Span(noon, noon + 1)) == (midnight, midnight + 288)


class Asked(dict[date, DayHours | None]):
    """Counts look-ups of overrides."""

    count = 0

    def __contains__(self, day: object) -> bool:
        self.count += 1
        return super().__contains__(day)


@pytest.mark.parametrize(("booked_days", "dates"), [(0, 12), (61, 110)], ids=["free", "booked up"])
def test_first_slot_search_reads_few_dates_of_a_long_window(booked_days: int, dates: int) -> None:
    """If the first week has a slot, the search reads no more than this week and the dates around it."""
    asked = Asked()
    calendar = replace(a_calendar(frozenset(range(*span_between(NOON, NOON + booked_days * DAY)))), overrides=asked)
    found = first_slot_between(calendar, NOON, NOON + 60 * DAY, VisitPlan(30))
    assert found == (None if booked_days else Slot(NOON, NOON + 30 * timedelta(minutes=1)))
    assert 0 < asked.count <= dates


@pytest.mark.parametrize("hours_from_utc", [14, -12])
def test_first_slot_of_a_window_as_long_as_the_calendar_is_found(hours_from_utc: int) -> None:
    zone = timezone(timedelta(hours=hours_from_utc))
    start, end = datetime.min.replace(tzinfo=zone), datetime.max.replace(tzinfo=zone)
    calendar = Calendar(ZoneInfo(BERLIN), every_day(a_day()), BookingRules(), NOON)
    (_, slots), *_ = free_slots(calendar, date(2027, 5, 4), date(2027, 5, 4), VisitPlan(30))
    assert first_slot_between(calendar, start, end, VisitPlan(30)) == slots[0]
    assert first_slot_between(calendar, end, start, VisitPlan(30)) is None
    assert calendar.starts_between(start, end, VisitPlan(30)) == calendar.bookable


@pytest.mark.parametrize("duration_min", [0, -5])
def test_visit_without_duration_is_an_error(duration_min: int) -> None:
    calendar = Calendar(ZoneInfo(BERLIN), every_day(a_day()), BookingRules(), NOON)
    with pytest.raises(ValueError, match="occupies no time"):
        first_slot_between(calendar, NOON, NOON + DAY, VisitPlan(duration_min))
