"""Starts of a series follow its rule in wall-clock time."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.series.models import Repeat
from grome.series.recurrence import list_starts, shift_start

# Zone, rule, the first start in UTC and all of them.
EXAMPLES = {
    "weekly over the end of summer time": (
        "Europe/Berlin",
        Repeat("week", count=3),
        ["2027-10-22T08:00", "2027-10-29T08:00", "2027-11-05T09:00"],
    ),
    "every second week over the beginning of summer time": (
        "America/New_York",
        Repeat("week", interval=2, count=3),
        ["2027-03-01T15:00", "2027-03-15T14:00", "2027-03-29T14:00"],
    ),
    "a zone whose clocks move half an hour": (
        "Australia/Lord_Howe",
        Repeat("week", count=2),
        ["2027-03-31T22:00", "2027-04-07T22:30"],
    ),
    "a zone without summer time": ("Asia/Tokyo", Repeat("week", count=2), ["2027-03-26T01:00", "2027-04-02T01:00"]),
    "a time that the clocks skip": (
        "Europe/Berlin",
        Repeat("week", count=3),
        ["2027-03-21T01:30", "2027-03-28T01:30", "2027-04-04T00:30"],  # 02:30, then 03:30 in place of it, 02:30
    ),
    "a time that comes twice, the first time": (
        "Europe/Berlin",
        Repeat("week", count=2),
        ["2027-10-24T00:30", "2027-10-31T00:30"],
    ),
    "up to and with a date in the zone": (
        "Pacific/Auckland",
        Repeat("week", until=date(2027, 6, 15)),
        ["2027-05-31T21:00", "2027-06-07T21:00", "2027-06-14T21:00"],
    ),
    "the second Tuesday of each month": (
        "Europe/Berlin",
        Repeat("month", count=3),
        ["2027-06-08T08:00", "2027-07-13T08:00", "2027-08-10T08:00"],
    ),
    "the last Friday, where the first is on a fifth": (
        "Europe/Berlin",
        Repeat("month", count=3),
        ["2027-07-30T08:00", "2027-08-27T08:00", "2027-09-24T08:00"],
    ),
    "the fourth Friday of every other month": (
        "Europe/Berlin",
        Repeat("month", interval=2, count=3),
        ["2027-08-27T08:00", "2027-10-22T08:00", "2027-12-24T09:00"],
    ),
}


@pytest.mark.parametrize(("zone", "repeat", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_starts_of_example_rules(zone: str, repeat: Repeat, expected: list[str]) -> None:
    first, *_ = moments = [datetime.fromisoformat(f"{one}:00+00:00") for one in expected]
    assert list_starts(repeat, first, ZoneInfo(zone)) == moments


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Pacific/Auckland"]


@settings(max_examples=50)
@given(
    zone=st.sampled_from(ZONES),
    every=st.sampled_from(["week", "month"]),
    interval=st.integers(1, 8),
    count=st.integers(2, 26),
    ahead=st.integers(0, 365 * 288),
)
def test_starts_have_the_same_wall_clock_time(zone: str, every: str, interval: int, count: int, ahead: int) -> None:
    first, here = datetime(2027, 1, 1, tzinfo=UTC) + ahead * timedelta(minutes=5), ZoneInfo(zone)
    found = list_starts(Repeat(every, interval, count=count), first, here)  # type: ignore[arg-type]
    assert (found[0], len(found)) == (first, count)
    walls = [one.astimezone(here) for one in found]
    assert len({wall.weekday() for wall in walls}) == 1
    for wall in walls:
        if _exists(wall.replace(hour=walls[0].hour, minute=walls[0].minute, fold=0)):
            assert wall.time() == walls[0].time()
    if every == "week":
        assert {later.date() - before.date() for before, later in pairwise(walls)} <= {timedelta(weeks=interval)}


def _exists(wall: datetime) -> bool:
    return wall.astimezone(UTC).astimezone(wall.tzinfo).time() == wall.time()


def test_shift_across_a_clock_change_keeps_wall_clock_time() -> None:
    """From Friday, 10:00 to Saturday, 11:30, over the end of summer time."""
    here = ZoneInfo("Europe/Berlin")
    moved = (datetime(2027, 10, 22, 8, tzinfo=UTC), datetime(2027, 10, 23, 9, 30, tzinfo=UTC))
    assert shift_start(moved[0], moved, here) == moved[1]
    assert shift_start(datetime(2027, 10, 29, 8, tzinfo=UTC), moved, here) == datetime(2027, 10, 30, 9, 30, tzinfo=UTC)
    assert shift_start(datetime(2027, 11, 5, 9, tzinfo=UTC), moved, here) == datetime(2027, 11, 6, 10, 30, tzinfo=UTC)
