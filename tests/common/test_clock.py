"""The clock, and instants at the ends of the years that Python counts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.clock import system_clock, to_utc
from grome.common.errors import Invalid

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


def test_system_clock_is_in_utc_with_whole_milliseconds() -> None:
    now = system_clock()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=1)


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS))  # noqa: DTZ001 -- zones are drawn too
def test_to_utc_keeps_the_instant(moment: datetime) -> None:
    in_utc = to_utc(moment, "at")
    assert in_utc == moment
    assert in_utc.utcoffset() == timedelta()


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=EAST), datetime.max.replace(tzinfo=WEST)])
def test_to_utc_outside_the_years_1_to_9999_is_refused_with_the_field(moment: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        to_utc(moment, "at")
    assert refused.value.faults == (("at", "lies outside the years 1 to 9999"),)


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=WEST), datetime.max.replace(tzinfo=EAST)])
def test_to_utc_at_the_limits_keeps_the_instant(moment: datetime) -> None:
    assert to_utc(moment, "at") == moment
