"""Test decoding and validation of weekly hours and booking rules."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from grome.scheduling.models import BookingRules, Break, DayHours, WeeklyHours, validation_errors
from tests.builders.hours import a_day, a_week, weekly_hours

OUTSIDE = "must lie within the hours of its day"
BAD_END = "must be after the break's start and within the hours of its day"
OVERLAP = "must not lie in another break"


@pytest.mark.parametrize(
    "time", ["9:00", "09:03", "24:00", "25:00", "09:60", "09:00\n", " 09:00", "0٩:00", "", None, 900]
)
def test_invalid_start_time_is_refused(time: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.start_time"):
        msgspec.convert({"is_available": True, "start_time": time, "end_time": "17:00"}, DayHours)


@pytest.mark.parametrize("time", ["24:05", "17:59", "24:00\n", "024:00"])
def test_invalid_end_time_is_refused(time: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.end_time"):
        msgspec.convert({"start_time": "12:00", "end_time": time}, Break)


def test_week_with_unknown_or_missing_fields_is_refused() -> None:
    week = msgspec.to_builtins(a_week())
    with pytest.raises(msgspec.ValidationError, match="unknown field `holiday`"):
        msgspec.convert(week | {"holiday": week["monday"]}, WeeklyHours)
    del week["sunday"]
    with pytest.raises(msgspec.ValidationError, match="missing required field `sunday`"):
        msgspec.convert(week, WeeklyHours)


def test_breaks_of_a_day_are_limited_in_number() -> None:
    day = msgspec.to_builtins(a_day()) | {"breaks": [{"start_time": "10:00", "end_time": "10:05"}] * 13}
    with pytest.raises(msgspec.ValidationError, match=r"\$\.breaks"):
        msgspec.convert(day, DayHours)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (a_day("09:00", "17:00", ("12:00", "13:00"), ("13:00", "13:30")), {}),
        (a_day("09:00", "17:00", ("09:00", "17:00")), {}),
        (a_day("09:00", "24:00", ("23:00", "24:00")), {}),
        (a_day("09:00", "00:00", ("23:00", "00:00")), {}),
        (a_day("18:00", "02:00", ("23:30", "00:30"), ("01:30", "02:00")), {}),
        (a_day("09:00", "09:00", ("08:00", "09:00"), ("23:00", "01:00")), {}),
        (a_day("09:00", "17:00", ("08:30", "09:30")), {"breaks[0].start_time": OUTSIDE}),
        (a_day("09:00", "17:00", ("17:00", "17:30")), {"breaks[0].start_time": OUTSIDE}),
        (a_day("18:00", "02:00", ("02:00", "02:30")), {"breaks[0].start_time": OUTSIDE}),
        (a_day("18:00", "02:00", ("12:00", "13:00")), {"breaks[0].start_time": OUTSIDE}),
        (a_day("09:00", "17:00", ("16:30", "17:05")), {"breaks[0].end_time": BAD_END}),
        (a_day("18:00", "02:00", ("01:30", "02:05")), {"breaks[0].end_time": BAD_END}),
        (a_day("09:00", "17:00", ("13:00", "12:00")), {"breaks[0].end_time": BAD_END}),
        (a_day("09:00", "17:00", ("13:00", "08:00")), {"breaks[0].end_time": BAD_END}),
        (a_day("09:00", "17:00", ("13:00", "13:00")), {"breaks[0].end_time": BAD_END}),
        (a_day("09:00", "17:00", ("12:00", "13:00"), ("12:55", "14:00")), {"breaks[1].start_time": OVERLAP}),
        (a_day("09:00", "17:00", ("12:30", "13:00"), ("12:00", "14:00")), {"breaks[0].start_time": OVERLAP}),
        (a_day("18:00", "02:00", ("00:15", "00:45"), ("23:45", "00:30")), {"breaks[0].start_time": OVERLAP}),
        (
            a_day("09:00", "17:00", ("10:00", "14:00"), ("11:00", "12:00"), ("13:00", "13:30")),
            {"breaks[1].start_time": OVERLAP, "breaks[2].start_time": OVERLAP},
        ),
        (a_day("09:00", "17:00", ("08:00", "08:30"), is_available=False), {"breaks[0].start_time": OUTSIDE}),
    ],
)
def test_validation_errors_name_the_field(day: DayHours, expected: dict[str, str]) -> None:
    week = a_week(tuesday=day, sunday=day)
    on_each_day = {f"{weekday}.{path}": why for weekday in ("tuesday", "sunday") for path, why in expected.items()}
    assert dict(validation_errors(week)) == on_each_day


@settings(max_examples=100)
@given(weekly_hours())
def test_valid_hours_have_no_errors_and_survive_json(week: WeeklyHours) -> None:
    assert validation_errors(week) == []
    assert msgspec.json.decode(msgspec.json.encode(week), type=WeeklyHours) == week


@settings(max_examples=100)
@given(weekly_hours())
def test_duplicate_break_is_an_error_of_its_day_only(week: WeeklyHours) -> None:
    monday = week.monday
    doubled = msgspec.structs.replace(
        week, monday=msgspec.structs.replace(monday, breaks=monday.breaks + monday.breaks[:1])
    )
    named = {path.partition(".")[0] for path, _ in validation_errors(doubled)}
    assert named == ({"monday"} if monday.breaks else set())


@pytest.mark.parametrize(
    "fields",
    [
        {"slot_step_min": 0},
        {"slot_step_min": 7},
        {"slot_step_min": 245},
        {"min_notice_min": -1},
        {"min_notice_min": 366 * 1440 + 1},
        {"horizon_days": 0},
        {"horizon_days": 367},
        {"buffer_before_min": -5},
        {"buffer_before_min": 3},
        {"buffer_after_min": 245},
        {"buffer_after_min": 2.5},
        {"auto_accept": 1},
    ],
)
def test_rules_out_of_bounds_are_refused_at_their_field(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{next(iter(fields))}"):
        msgspec.convert(fields, BookingRules)


def test_omitted_rules_have_defaults() -> None:
    assert msgspec.convert({}, BookingRules) == BookingRules(15, 60, 60, 0, 0, auto_accept=False)
