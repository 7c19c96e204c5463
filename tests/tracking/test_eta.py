"""Test the estimate of a trip over random drives."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from grome.common.geo import LatLng
from grome.common.ids import new_id
from grome.tracking.eta import (
    MAX_ETA_MIN,
    MAX_SPEED,
    MIN_SPEED,
    ROAD_FACTOR,
    advance,
    distance_between,
    initial_speed,
    remaining_min,
    shown_min,
    smoothed_speed,
)
from grome.tracking.models import Measured, Progress, Trip
from tests.builders.world import destination

START = datetime(2030, 1, 1, 9, tzinfo=UTC)
HOME = LatLng(52.52, 13.405)

speeds = st.floats(0, 300)
minutes = st.floats(0, 3 * MAX_ETA_MIN)


def trip(minutes_per_km: float = 3.0) -> Trip:
    return Trip(
        number=3,
        booking_id=new_id(),
        customer_id=new_id(),
        barber_id=new_id(),
        destination=HOME,
        scheduled_at=START,
        arrived=False,
        speed=initial_speed(minutes_per_km),
    )


def at(metres: float, seconds: float, bearing: float = 270) -> Measured:
    return Measured(LatLng(*destination((HOME.lat, HOME.lng), metres, bearing)), START + timedelta(seconds=seconds))


def drive(reports: list[Measured], of: Trip | None = None) -> list[Progress]:
    """Return the progress after each report."""
    followed, before, steps = of or trip(), None, []
    for measured in reports:
        before = advance(followed, before, measured)
        steps.append(before)
    return steps


def accepted(steps: list[Progress], reports: list[Measured]) -> list[bool]:
    return [step.newest is report for step, report in zip(steps, reports, strict=True)]


@given(st.floats(0.1, 60), st.floats(100, 20_000))
def test_eta_before_movement_follows_the_travel_time_of_the_barber(minutes_per_km: float, metres: float) -> None:
    speed = initial_speed(minutes_per_km)
    bounded = min(max(ROAD_FACTOR * 1_000 / minutes_per_km / 60, MIN_SPEED), MAX_SPEED)
    assert speed == pytest.approx(bounded)
    if MIN_SPEED < speed < MAX_SPEED:
        assert remaining_min(metres, speed) == pytest.approx(metres / 1_000 * minutes_per_km)


@given(speeds, speeds, st.floats(0, 600))
def test_smoothed_speed_stays_between_old_and_new_speed_and_within_limits(
    before: float, measured: float, elapsed_s: float
) -> None:
    start = min(max(before, MIN_SPEED), MAX_SPEED)
    target = min(max(measured, MIN_SPEED), MAX_SPEED)
    smoothed = smoothed_speed(start, measured, elapsed_s)
    assert min(start, target) - 1e-9 <= smoothed <= max(start, target) + 1e-9


@given(st.lists(minutes, min_size=1, max_size=40))
def test_shown_minutes_change_only_when_off_by_a_minute(estimates: list[float]) -> None:
    shown: int | None = None
    for estimate in estimates:
        before, shown = shown, shown_min(shown, estimate)
        if estimate > MAX_ETA_MIN:
            assert shown is None
            continue
        assert shown is not None
        assert abs(shown - estimate) < 1
        assert before is None or shown == before or abs(estimate - before) >= 1


@given(st.floats(2, 30), st.floats(2, 20), st.integers(2, 5))
def test_steady_drive_ends_with_the_true_remaining_time(speed: float, minutes_per_km: float, every_s: int) -> None:
    """The estimate is within 10 % or 2 minutes of the true time after some minutes of a steady speed."""
    total_s = 420
    reports = [at(20_000 - speed * second, second) for second in range(0, total_s, every_s)]
    last = drive(reports, trip(minutes_per_km))[-1]
    truth = last.distance_m * ROAD_FACTOR / speed / 60
    assert last.eta_min == pytest.approx(truth, rel=0.1, abs=2)


@given(
    st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 360), st.floats(-30, 400)), min_size=1, max_size=30),
)
def test_any_reports_keep_the_progress_within_bounds(raw: list[tuple[float, float, float]]) -> None:
    """Clocks may jump back, and positions may be anywhere."""
    seconds, reports = 0.0, []
    for metres, bearing, elapsed in raw:
        seconds += elapsed
        reports.append(at(metres, seconds, bearing))
    arrived = False
    for step, report in zip(drive(reports), reports, strict=True):
        assert MIN_SPEED <= step.speed <= MAX_SPEED
        assert step.eta_min is None or 0 <= step.eta_min <= MAX_ETA_MIN
        assert step.newest is report or step.jump is report
        assert step.arrived or not arrived
        arrived = step.arrived
        if step.newest is report:
            assert step.distance_m == pytest.approx(distance_between(report.point, HOME), abs=0.1)
            assert not step.arrived or step.eta_min == 0


@given(st.floats(1_000, 9_000), st.floats(1_000, 9_000))
def test_jump_is_ignored_once_and_believed_when_it_is_confirmed(metres: float, far: float) -> None:
    stays = [at(metres, 0), at(far, 2, 90), at(metres, 4)]
    assert accepted(drive(stays), stays) == [True, False, True]
    moves = [at(metres, 0), at(far, 2, 90), at(far, 4, 90)]
    assert accepted(drive(moves), moves) == [True, False, True]


def test_long_silence_does_not_count_as_a_standstill() -> None:
    steps = drive([at(9_000, 0), at(8_850, 10), at(8_850, 1_200)])
    assert steps[2].speed == steps[1].speed
    assert steps[2].newest.at == START + timedelta(seconds=1_200)


@pytest.mark.parametrize(
    ("distances", "arrived"),
    [
        ([300, 49], [False, True]),
        ([180, 90], [False, False]),
        ([180, 90, 80], [False, False, True]),
        ([180, 90, 120, 90], [False, False, False, False]),
        ([60, 30, 200], [False, True, True]),
    ],
)
def test_arrival_needs_a_near_position_or_two_less_near_positions(distances: list[float], arrived: list[bool]) -> None:
    reports = [at(metres, 5 * number) for number, metres in enumerate(distances)]
    assert [step.arrived for step in drive(reports)] == arrived


def test_trip_that_has_arrived_stays_arrived() -> None:
    arrived = structs.replace(trip(), arrived=True)
    assert [step.arrived for step in drive([at(4_000, 0)], arrived)] == [True]
