"""Test the availability rules by examples around clock changes, and against a reference implementation."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grome.scheduling.models import BookingRules, DayHours, WeeklyHours
from grome.scheduling.slots import Calendar, Unavailability, free_slots, occupied_ticks, reason_unavailable
from grome.scheduling.ticks import span_between
from grome.scheduling.visit_plan import VisitPlan
from tests.builders.hours import a_day, a_week, every_day, only_on
from tests.scheduling.cases import BERLIN, CAIRO, KOLKATA, LORD_HOWE, NEW_YORK, NUUK, Case, cases
from tests.scheduling.reference_barber import NaiveBarber

MIDDAY = datetime(2027, 5, 4, 10, tzinfo=UTC)  # a Tuesday, noon in Berlin


def a_calendar(
    hours: WeeklyHours,
    *taken: int,
    zone: str = BERLIN,
    now: datetime = datetime(2027, 1, 1, tzinfo=UTC),
    **rules: int,
) -> Calendar:
    given_rules = {"min_notice_min": 0, "horizon_days": 366} | rules
    return Calendar(ZoneInfo(zone), hours, BookingRules(**given_rules), now, frozenset(taken))  # type: ignore[arg-type]


def starts(calendar: Calendar, first: date, last: date, duration_min: int) -> list[str]:
    """Return every offered start as day and time in UTC."""
    days = free_slots(calendar, first, last, VisitPlan(duration_min))
    return [f"{slot.start:%d %H:%M}" for _, slots in days for slot in slots]


def on_the_half_hour(text: str) -> list[str]:
    """Expand '27 23:00 - 28 01:00' to the half hours from the first time up to, not including, the second."""
    first, last = (datetime.strptime(f"2027-01-{part}", "%Y-%m-%d %H:%M") for part in text.split(" - "))  # noqa: DTZ007
    count = int((last - first) / timedelta(minutes=30))
    return [f"{first + k * timedelta(minutes=30):%d %H:%M}" for k in range(count)]


# In 2027 these wall times are skipped: Berlin 02:00 to 03:00 on 28 March (at 01:00 UTC), New York 02:00 to 03:00 on
# 14 March (07:00 UTC), Nuuk 23:00 to 24:00 on 27 March (01:00 UTC on the 28th), Cairo 00:00 to 01:00 on 30 April
# (22:00 UTC on the 29th), Lord Howe 02:00 to 02:30 on 3 October (15:30 UTC on the 2nd). These come twice: Lord Howe
# 01:30 to 02:00 on 4 April (15:00 UTC on the 3rd), Berlin 02:00 to 03:00 on 31 October (01:00 UTC), New York 01:00 to
# 02:00 on 7 November (06:00 UTC).
@pytest.mark.parametrize(
    ("zone", "day", "hours", "expected"),
    [
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00"), "28 00:00 - 28 02:00"),
        (BERLIN, date(2027, 3, 28), a_day("01:00", "02:30"), "28 00:00 - 28 01:30"),
        (BERLIN, date(2027, 3, 28), a_day("02:30", "04:00"), "28 01:30 - 28 02:00"),
        (BERLIN, date(2027, 3, 28), a_day("02:30", "03:00"), "28 01:30 - 28 01:30"),
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00", ("02:30", "03:00")), "28 00:00 - 28 02:00"),
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00", ("02:00", "04:00")), "28 00:00 - 28 01:00"),
        (BERLIN, date(2027, 3, 27), a_day("22:00", "06:00"), "27 21:00 - 28 04:00"),
        (BERLIN, date(2027, 3, 27), a_day("20:00", "20:00"), "27 19:00 - 28 18:00"),
        (BERLIN, date(2027, 10, 31), a_day("01:00", "04:00"), "30 23:00 - 31 03:00"),
        (BERLIN, date(2027, 10, 31), a_day("01:00", "02:30"), "30 23:00 - 31 00:30"),
        (BERLIN, date(2027, 10, 31), a_day("02:30", "04:00"), "31 00:30 - 31 03:00"),
        (BERLIN, date(2027, 10, 31), a_day("01:00", "04:00", ("02:00", "04:00")), "30 23:00 - 31 00:00"),
        (BERLIN, date(2027, 10, 31), a_day("01:00", "04:00", ("01:00", "02:30")), "31 00:30 - 31 03:00"),
        (BERLIN, date(2027, 10, 30), a_day("22:00", "06:00"), "30 20:00 - 31 05:00"),
        (NEW_YORK, date(2027, 3, 14), a_day("01:00", "04:00"), "14 06:00 - 14 08:00"),
        (NEW_YORK, date(2027, 3, 13), a_day("22:00", "04:00"), "14 03:00 - 14 08:00"),
        (NEW_YORK, date(2027, 11, 7), a_day("01:30", "03:00"), "07 05:30 - 07 08:00"),
        (NEW_YORK, date(2027, 11, 6), a_day("22:00", "04:00"), "07 02:00 - 07 09:00"),
        (LORD_HOWE, date(2027, 10, 3), a_day("01:00", "03:00"), "02 14:30 - 02 16:00"),
        (LORD_HOWE, date(2027, 10, 3), a_day("01:00", "03:00", ("02:00", "02:30")), "02 14:30 - 02 16:00"),
        (LORD_HOWE, date(2027, 4, 4), a_day("01:00", "03:00"), "03 14:00 - 03 16:30"),
        (LORD_HOWE, date(2027, 4, 4), a_day("01:00", "02:30", ("01:00", "02:00")), "03 15:30 - 03 16:00"),
        (LORD_HOWE, date(2027, 4, 3), a_day("23:00", "02:00", ("01:30", "02:00")), "03 12:00 - 03 14:30"),
        (KOLKATA, date(2027, 3, 28), a_day("09:00", "12:00"), "28 03:30 - 28 06:30"),
        (KOLKATA, date(2027, 10, 30), a_day("22:00", "06:00", ("00:00", "06:00")), "30 16:30 - 30 18:30"),
        (NUUK, date(2027, 3, 27), a_day("22:00", "23:30"), "28 00:00 - 28 01:30"),
        (NUUK, date(2027, 3, 26), a_day("23:30", "23:30"), "27 01:30 - 28 01:30"),
        (CAIRO, date(2027, 4, 30), a_day("00:00", "02:00"), "29 22:00 - 29 23:00"),
    ],
)
def test_wall_time_around_clock_changes(zone: str, day: date, hours: DayHours, expected: str) -> None:
    calendar = a_calendar(only_on(day, hours), zone=zone, slot_step_min=30)
    assert starts(calendar, day, day + timedelta(days=2), 30) == on_the_half_hour(expected)


# Override of a date with a clock change, and time off over the change, as wall time with an offset.
@pytest.mark.parametrize(
    ("zone", "day", "hours", "off", "expected"),
    [
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00"), "", "28 00:00 - 28 02:00"),
        (BERLIN, date(2027, 3, 28), a_day("02:30", "04:00"), "", "28 01:30 - 28 02:00"),  # 02:30 does not exist
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00"), "01:30+01:00 03:30+02:00",
         "28 00:00 - 28 00:30, 28 01:30 - 28 02:00"),
        (BERLIN, date(2027, 3, 27), a_day("22:00", "04:00"), "", "27 21:00 - 28 02:00"),
        (BERLIN, date(2027, 10, 31), a_day("01:00", "04:00"), "", "30 23:00 - 31 03:00"),
        (BERLIN, date(2027, 10, 31), a_day("02:30", "04:00"), "", "31 00:30 - 31 03:00"),  # 02:30 exists twice
        (BERLIN, date(2027, 10, 31), a_day("00:00", "03:00"), "02:00+02:00 02:00+01:00",
         "30 22:00 - 31 00:00, 31 01:00 - 31 02:00"),
        (BERLIN, date(2027, 10, 31), a_day("00:00", "03:00"), "02:00+01:00 03:00+01:00", "30 22:00 - 31 01:00"),
        (BERLIN, date(2027, 10, 30), a_day("22:00", "04:00"), "", "30 20:00 - 31 03:00"),
        (NEW_YORK, date(2027, 3, 14), a_day("01:30", "03:30"), "", "14 06:30 - 14 07:30"),
        (NEW_YORK, date(2027, 11, 7), a_day("00:00", "02:00"), "", "07 04:00 - 07 07:00"),
        (NEW_YORK, date(2027, 11, 7), a_day("00:00", "02:00"), "01:00-04:00 01:00-05:00",
         "07 04:00 - 07 05:00, 07 06:00 - 07 07:00"),
        (NEW_YORK, date(2027, 11, 6), a_day("23:00", "02:00"), "", "07 03:00 - 07 07:00"),
        (LORD_HOWE, date(2027, 10, 3), a_day("01:30", "03:00"), "", "02 15:00 - 02 16:00"),
        (LORD_HOWE, date(2027, 10, 3), a_day("02:00", "03:00"), "", "02 15:30 - 02 16:00"),  # 02:00 does not exist
        (LORD_HOWE, date(2027, 4, 4), a_day("01:00", "02:30"), "", "03 14:00 - 03 16:00"),
        (LORD_HOWE, date(2027, 4, 4), a_day("01:00", "02:30"), "01:30+11:00 01:30+10:30",
         "03 14:00 - 03 14:30, 03 15:00 - 03 16:00"),
        (LORD_HOWE, date(2027, 4, 3), a_day("23:30", "02:00"), "", "03 12:30 - 03 15:30"),
        (KOLKATA, date(2027, 3, 28), a_day("01:00", "04:00"), "02:00+05:30 03:00+05:30",
         "27 19:30 - 27 20:30, 27 21:30 - 27 22:30"),
        (KOLKATA, date(2027, 10, 31), a_day("22:00", "01:00"), "", "31 16:30 - 31 19:30"),
    ],
)  # fmt: skip
def test_hours_of_a_date_and_time_off_around_clock_changes(
    zone: str, day: date, hours: DayHours, off: str, expected: str
) -> None:
    next_day = day + timedelta(days=1)
    calendar = replace(
        a_calendar(every_day(a_day("12:00", "12:30")), zone=zone, slot_step_min=30),
        overrides={day: hours, next_day: None},
        time_off=(span_between(*(datetime.fromisoformat(f"{day}T{wall}") for wall in off.split())),) if off else (),
    )
    spans = [on_the_half_hour(span) for span in expected.split(", ")]
    assert starts(calendar, day, next_day, 30) == [start for span in spans for start in span]
    assert len(starts(calendar, day - timedelta(days=1), next_day + timedelta(days=1), 30)) == 2 + sum(map(len, spans))


@pytest.mark.parametrize(
    ("zone", "day", "hours", "first", "duration_min"),
    [
        (BERLIN, date(2027, 3, 28), a_day("01:00", "04:00", ("02:30", "03:00")), "2027-03-28T00:00Z", 120),
        (LORD_HOWE, date(2027, 10, 3), a_day("01:00", "03:00", ("02:00", "02:30")), "2027-10-02T14:30Z", 90),
    ],
)
def test_break_emptied_by_a_clock_change_does_not_split_a_visit(
    zone: str, day: date, hours: DayHours, first: str, duration_min: int
) -> None:
    calendar = a_calendar(only_on(day, hours), zone=zone)
    assert reason_unavailable(calendar, datetime.fromisoformat(first), VisitPlan(duration_min)) is None


def test_wall_times_lie_on_whole_ticks_in_every_zone() -> None:
    moments = [datetime(year, month, 1, tzinfo=UTC) for year in (1972, 2000, 2027, 2037) for month in (2, 7)]
    offsets = {moment.astimezone(ZoneInfo(zone)).utcoffset() for zone in available_timezones() for moment in moments}
    assert offsets
    assert [offset for offset in offsets if offset is None or offset % timedelta(minutes=5)] == []


def test_slots_are_listed_under_the_local_date_of_their_own_start() -> None:
    calendar = a_calendar(a_week(friday=a_day("22:00", "02:00")), slot_step_min=60)
    days = free_slots(calendar, date(2027, 5, 6), date(2027, 5, 8), VisitPlan(60))
    assert [(day.day, [f"{slot.start:%H}-{slot.end:%H}" for slot in slots]) for day, slots in days] == [
        (6, []),
        (7, ["20-21", "21-22"]),
        (8, ["22-23", "23-00"]),
    ]


@pytest.mark.parametrize(
    ("clock", "duration_min", "expected"),
    [
        ("07:00:00", 30, None),
        ("07:00:01", 30, Unavailability.MISALIGNED),
        ("07:00:00.000001", 30, Unavailability.MISALIGNED),
        ("07:02:00", 30, Unavailability.MISALIGNED),
        ("06:45:00", 30, Unavailability.CLOSED),
        ("14:30:00", 30, None),
        ("14:30:00", 31, Unavailability.CLOSED),
        ("14:45:00", 30, Unavailability.CLOSED),
        ("15:00:00", 5, Unavailability.CLOSED),
        ("07:05:00", 30, Unavailability.OFF_GRID),
        ("09:30:00", 30, None),
        ("09:30:00", 31, Unavailability.ON_BREAK),
        ("10:30:00", 15, Unavailability.ON_BREAK),
        ("11:00:00", 15, None),
        ("09:30:00", 120, Unavailability.ON_BREAK),
        ("13:00:00", 30, Unavailability.TAKEN),
        ("12:30:00", 31, Unavailability.TAKEN),
        ("12:30:00", 30, None),
        ("13:15:00", 30, Unavailability.TAKEN),
        ("13:30:00", 30, None),
        ("13:05:00", 30, Unavailability.OFF_GRID),
    ],
)
def test_unavailable_start_has_the_first_rule_as_reason(
    clock: str, duration_min: int, expected: Unavailability | None
) -> None:
    """Berlin in summer: open from 07:00 to 15:00 UTC, break from 10:00 to 11:00, booked from 13:00 to 13:30."""
    booked = range(*span_between(datetime(2027, 5, 4, 13, tzinfo=UTC), datetime(2027, 5, 4, 13, 30, tzinfo=UTC)))
    calendar = a_calendar(every_day(a_day("09:00", "17:00", ("12:00", "13:00"))), *booked)
    start = datetime.fromisoformat(f"2027-05-04T{clock}+00:00")
    assert reason_unavailable(calendar, start, VisitPlan(duration_min)) == expected
    assert reason_unavailable(calendar, start.astimezone(ZoneInfo(NEW_YORK)), VisitPlan(duration_min)) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("09:00", None),
        ("09:35", None),
        ("09:40", Unavailability.TIME_OFF),
        ("10:30", Unavailability.TIME_OFF),
        ("10:35", None),
    ],
)
def test_time_off_blocks_every_tick_that_it_touches(start: str, expected: Unavailability | None) -> None:
    """Time off from 10:07 to 10:30:01 UTC; a gap in the visit does not help."""
    off = datetime(2027, 5, 4, 10, 7, tzinfo=UTC), datetime(2027, 5, 4, 10, 30, 1, tzinfo=UTC)
    calendar = replace(a_calendar(every_day(a_day()), slot_step_min=5), time_off=(span_between(*off),))
    for visit in (VisitPlan(30), VisitPlan(30, gaps=((5, 25),))):
        assert reason_unavailable(calendar, datetime.fromisoformat(f"2027-05-04T{start}Z"), visit) == expected


@pytest.mark.parametrize(
    ("before", "after", "travel", "last_before_off", "first_after_off"),
    [
        (0, 0, 0, "10:30", "12:00"),
        (15, 30, 0, "10:00", "12:15"),
        (0, 0, 60, "09:30", "13:00"),
        (5, 0, 10, "10:20", "12:15"),
    ],
)
def test_time_off_excludes_buffers_and_travel(
    before: int, after: int, travel: int, last_before_off: str, first_after_off: str
) -> None:
    off = datetime(2027, 5, 4, 11, tzinfo=UTC), datetime(2027, 5, 4, 12, tzinfo=UTC)
    open_day = a_calendar(
        every_day(a_day("00:00", "24:00")), slot_step_min=5, buffer_before_min=before, buffer_after_min=after
    )
    calendar = replace(open_day, time_off=(span_between(*off),))
    visit = VisitPlan(30, travel_min=travel)
    day = off[0].date()
    [(_, slots)] = free_slots(calendar, day, day, visit)
    offered = [f"{slot.start:%H:%M}" for slot in slots]
    assert max(start for start in offered if start < "11:30") == last_before_off
    assert min(start for start in offered if start > "11:30") == first_after_off
    refused = datetime.fromisoformat(f"2027-05-04T{first_after_off}Z") - timedelta(minutes=5)
    assert reason_unavailable(calendar, refused, visit) is Unavailability.TIME_OFF


def test_notice_ends_at_its_exact_second() -> None:
    hours = every_day(a_day("00:00", "24:00"))
    for late, expected in [(timedelta(0), None), (timedelta(microseconds=1), Unavailability.TOO_SOON)]:
        calendar = a_calendar(hours, now=MIDDAY + late, min_notice_min=90)
        assert reason_unavailable(calendar, MIDDAY + timedelta(minutes=90), VisitPlan(30)) == expected


def test_notice_is_elapsed_time_in_any_zone_of_now() -> None:
    midnight_before_the_gap = datetime(2027, 3, 28, 0, tzinfo=ZoneInfo(BERLIN))
    calendar = a_calendar(every_day(a_day("00:00", "24:00")), now=midnight_before_the_gap, min_notice_min=180)
    assert starts(calendar, date(2027, 3, 28), date(2027, 3, 28), 30)[0] == "28 02:00"


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        (BERLIN, "2027-04-29T22:00Z"),
        (NEW_YORK, "2027-04-30T04:00Z"),
        (KOLKATA, "2027-04-29T18:30Z"),
        (CAIRO, "2027-04-29T22:00Z"),  # where clocks jump from 00:00 to 01:00 on the 30th
    ],
)
def test_horizon_ends_at_the_local_midnight_after_its_last_date(zone: str, midnight: str) -> None:
    now = datetime(2027, 4, 25, 12, tzinfo=UTC)
    calendar = a_calendar(every_day(a_day("00:00", "24:00")), zone=zone, now=now, horizon_days=4, slot_step_min=5)
    end = datetime.fromisoformat(midnight)
    assert reason_unavailable(calendar, end - timedelta(minutes=5), VisitPlan(5)) is None
    assert reason_unavailable(calendar, end, VisitPlan(5)) == Unavailability.BEYOND_HORIZON


@pytest.mark.parametrize(("zone", "open_dates"), [(BERLIN, [5, 6]), (NEW_YORK, [5])])
def test_horizon_counts_from_the_local_date_of_now(zone: str, open_dates: list[int]) -> None:
    """At 23:00 UTC on 4 May it is the 5th in Berlin and still the 4th in New York."""
    now = datetime(2027, 5, 4, 23, tzinfo=UTC)
    calendar = a_calendar(every_day(a_day()), zone=zone, now=now, horizon_days=1)
    days = free_slots(calendar, date(2027, 5, 3), date(2027, 5, 8), VisitPlan(30))
    assert [day.day for day, slots in days if slots] == open_dates


def test_grid_counts_elapsed_time_from_the_opening() -> None:
    """Steps of 45 minutes continue across the skipped hour."""
    calendar = a_calendar(a_week(sunday=a_day("00:30", "06:00")), slot_step_min=45)
    assert starts(calendar, date(2027, 3, 28), date(2027, 3, 28), 45) == [
        "27 23:30", "28 00:15", "28 01:00", "28 01:45", "28 02:30", "28 03:15",
    ]  # fmt: skip


def test_openings_that_touch_a_day_in_utc_by_one_tick_count_on_it() -> None:
    calendar = a_calendar(a_week(monday=a_day("20:00", "02:05"), wednesday=a_day("01:55", "02:10")), slot_step_min=5)
    assert starts(calendar, date(2027, 5, 4), date(2027, 5, 4), 5)[-1] == "04 00:00"
    assert starts(calendar, date(2027, 5, 5), date(2027, 5, 5), 5) == ["04 23:55", "05 00:00", "05 00:05"]


def test_overlapping_openings_keep_their_grids_and_breaks() -> None:
    """The opening of Monday ends at 04:00 UTC; the opening of Tuesday begins at 03:00 UTC with a separate grid."""
    hours = a_week(monday=a_day("22:00", "06:00"), tuesday=a_day("05:00", "10:00", ("05:45", "07:00")))
    calendar = a_calendar(hours, slot_step_min=40)
    day = datetime(2027, 5, 4, tzinfo=UTC)
    assert (
        reason_unavailable(calendar, day.replace(hour=3, minute=20), VisitPlan(40)) is None
    )  # Monday's grid, ends as Monday does
    assert reason_unavailable(calendar, day.replace(hour=3), VisitPlan(40)) is None  # on Tuesday's grid only
    assert (
        reason_unavailable(calendar, day.replace(hour=3, minute=20), VisitPlan(45)) == Unavailability.ON_BREAK
    )  # longer than Monday's opening, and Tuesday has a break
    assert (
        reason_unavailable(calendar, day.replace(hour=3, minute=40), VisitPlan(20)) == Unavailability.ON_BREAK
    )  # on Tuesday's grid only
    found = starts(calendar, date(2027, 5, 4), date(2027, 5, 4), 40)
    assert found[-7:] == ["04 02:40", "04 03:00", "04 03:20", "04 05:00", "04 05:40", "04 06:20", "04 07:00"]


def test_visit_may_span_openings_without_a_pause_between_them() -> None:
    calendar = a_calendar(every_day(a_day("00:00", "24:00")))
    midnight = datetime(2027, 5, 4, 22, tzinfo=UTC)
    for start in (midnight - timedelta(minutes=30), midnight - timedelta(minutes=15), midnight):
        assert reason_unavailable(calendar, start, VisitPlan(30)) is None
    closed = replace(calendar, overrides={date(2027, 5, 5): None})
    assert reason_unavailable(closed, midnight - timedelta(minutes=15), VisitPlan(30)) == Unavailability.CLOSED
    late = replace(calendar, overrides={date(2027, 5, 5): a_day("00:05", "09:00")})
    assert reason_unavailable(late, midnight - timedelta(minutes=15), VisitPlan(30)) == Unavailability.CLOSED


def test_visit_over_midnight_keeps_to_its_grid_and_out_of_the_breaks_of_both_dates() -> None:
    """Monday's grid has steps of 40 minutes from 20:00; Tuesday's opening begins with a break from 00:30."""
    hours = a_week(monday=a_day("20:00", "24:00"), tuesday=a_day("00:00", "09:00", ("00:30", "01:00")))
    calendar, midnight = a_calendar(hours, slot_step_min=40), datetime(2027, 5, 3, 22, tzinfo=UTC)
    for minutes, duration_min, expected in [
        (-40, 70, None),
        (-30, 60, Unavailability.OFF_GRID),
        (-40, 75, Unavailability.ON_BREAK),
        (-40, 11 * 60, Unavailability.CLOSED),
    ]:
        start = midnight + timedelta(minutes=minutes)
        assert reason_unavailable(calendar, start, VisitPlan(duration_min)) == expected


def test_buffers_may_lie_outside_the_hours_and_in_breaks() -> None:
    hours = every_day(a_day("09:00", "10:30", ("09:30", "10:00")))
    calendar = a_calendar(hours, buffer_before_min=60, buffer_after_min=45, slot_step_min=30)
    assert starts(calendar, date(2027, 5, 4), date(2027, 5, 4), 30) == ["04 07:00", "04 08:00"]


@pytest.mark.parametrize(("gap_min", "expected"), [(15, None), (10, Unavailability.TAKEN)])
def test_buffers_of_adjacent_visits_add_up(gap_min: int, expected: Unavailability | None) -> None:
    """10 minutes after the earlier visit, and 5 minutes before the later visit."""
    calendar = a_calendar(every_day(a_day()), buffer_before_min=5, buffer_after_min=10, slot_step_min=5)
    earlier = replace(calendar, taken=frozenset(occupied_ticks(calendar.rules, MIDDAY, VisitPlan(30))))
    assert reason_unavailable(earlier, MIDDAY + timedelta(minutes=30 + gap_min), VisitPlan(30)) == expected
    assert reason_unavailable(earlier, MIDDAY - timedelta(minutes=30 + gap_min), VisitPlan(30)) == expected


def test_occupied_ticks_cover_buffers_and_partial_ticks() -> None:
    rules = BookingRules(buffer_before_min=5, buffer_after_min=10)
    first = int(MIDDAY.timestamp()) // 300
    assert span_between(MIDDAY, MIDDAY + timedelta(minutes=11)) == (first, first + 3)
    assert span_between(MIDDAY + timedelta(minutes=4), MIDDAY + timedelta(minutes=5)) == (first, first + 1)
    assert span_between(MIDDAY, MIDDAY) == (first, first)
    assert occupied_ticks(rules, MIDDAY, VisitPlan(11)) == list(range(first - 1, first + 5))


@pytest.mark.parametrize("duration_min", [0, -5])
def test_visit_without_duration_is_an_error(duration_min: int) -> None:
    calendar = a_calendar(every_day(a_day()))
    with pytest.raises(ValueError, match="occupies no time"):
        reason_unavailable(calendar, MIDDAY, VisitPlan(duration_min))
    with pytest.raises(ValueError, match="occupies no time"):
        occupied_ticks(calendar.rules, MIDDAY, VisitPlan(duration_min))


def test_starts_at_the_ends_of_the_calendar_are_rejected() -> None:
    calendar = a_calendar(every_day(a_day()))
    earliest = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    latest = datetime(9999, 12, 31, 23, 55, tzinfo=timezone(timedelta(hours=-12)))
    assert reason_unavailable(calendar, earliest, VisitPlan(30)) == Unavailability.TOO_SOON
    assert reason_unavailable(calendar, latest, VisitPlan(30)) == Unavailability.BEYOND_HORIZON
    assert free_slots(calendar, date.min, date.min, VisitPlan(30)) == [(date.min, [])]
    assert free_slots(calendar, date.max, date.max, VisitPlan(30)) == [(date.max, [])]


@settings(max_examples=100)
@given(cases())
def test_offered_and_bookable_starts_equal_those_of_the_reference_barber(case: Case) -> None:
    barber = NaiveBarber(case)
    offered = [slot.start for slot in case.offered()]
    bookable = [start for start in case.every_tick() if reason_unavailable(case.calendar, start, case.visit) is None]
    assert offered == bookable
    assert bookable == [start for start in case.every_tick() if barber.takes(start)]


@settings(max_examples=60)
@given(cases())
def test_offered_slots_are_ordered_and_under_their_dates(case: Case) -> None:
    days = free_slots(case.calendar, case.first, case.last, case.visit)
    assert [day for day, _ in days] == [
        case.first + timedelta(days=k) for k in range((case.last - case.first).days + 1)
    ]
    assert all(case.local_date(slot.start) == day for day, slots in days for slot in slots)
    offered = case.offered()
    assert offered == sorted(set(offered))
    assert all(slot.end - slot.start == timedelta(minutes=case.duration_min) for slot in offered)


@settings(max_examples=60)
@given(cases(), st.data())
def test_booked_slot_blocks_its_time(case: Case, data: st.DataObject) -> None:
    offered = case.offered()
    assume(offered)
    booked = data.draw(st.sampled_from(offered))
    ticks = frozenset(occupied_ticks(case.calendar.rules, booked.start, case.visit))
    assert ticks.isdisjoint(case.calendar.taken)
    after = replace(case, calendar=replace(case.calendar, taken=case.calendar.taken | ticks))
    assert reason_unavailable(after.calendar, booked.start, case.visit) == Unavailability.TAKEN
    still_offered = after.offered()
    assert still_offered == [
        slot for slot in offered if ticks.isdisjoint(occupied_ticks(case.calendar.rules, slot.start, case.visit))
    ]


@settings(max_examples=60)
@given(cases(), st.integers(1, 300 * 10**6 - 1))
def test_start_between_two_ticks_is_rejected(case: Case, microseconds: int) -> None:
    for slot in case.offered():
        start = slot.start + timedelta(microseconds=microseconds)
        assert reason_unavailable(case.calendar, start, case.visit) == Unavailability.MISALIGNED
