"""Estimate the remaining time of a trip from its positions, without I/O.

The way to the destination is the straight line times `ROAD_FACTOR`. The speed is smoothed exponentially over the way
between positions, and begins with the speed that the barber's rules for house calls assume.
"""

import math
from datetime import datetime
from typing import Final

from msgspec import structs

from grome.common.geo import LatLng, distance_m, unit_vector
from grome.tracking.models import Measured, Progress, Trip

# A way on roads is about so much longer than the straight line.
ROAD_FACTOR: Final = 1.3
# In metres a second: a slow walk, and 130 km/h.
MIN_SPEED: Final = 1.0
MAX_SPEED: Final = 36.0
# After this time of another speed, the estimate has come 63 % of the way to it.
_SMOOTHING_S: Final = 90.0
# Positions are off by some metres, so the speed is measured over at least this time.
_MEASURE_S: Final = 10.0
# A longer silence says nothing about the speed: a phone may have been without a network.
_MAX_SILENCE_S: Final = 300.0
# In metres a second: 200 km/h. A faster movement is an error of the measurement.
_MAX_PLAUSIBLE_SPEED: Final = 200 / 3.6
# Positions of two satellites' readings may differ by this much at the same place.
_MEASURE_ERROR_M: Final = 50.0
_AT_THE_DOOR_M: Final = 50.0
_NEAR_M: Final = 100.0
_NEAR_POSITIONS: Final = 2
MAX_ETA_MIN: Final = 12 * 60
_MIN_CHANGE_MIN: Final = 1.0
_S_A_MIN: Final = 60.0


def initial_speed(minutes_per_km: float) -> float:
    """Return the speed on the road at which a straight kilometre takes the minutes of the barber's rules."""
    return _clamp(ROAD_FACTOR * 1_000 / (minutes_per_km * _S_A_MIN))


def advance(trip: Trip, before: Progress | None, measured: Measured) -> Progress:
    """Return the progress after a position.

    A jump that no vehicle makes leaves the position unchanged. If the next position confirms the jump, it was right.
    """
    if before is None:
        return _progress(trip, None, measured, measured, trip.speed)
    if not is_plausible(before.newest, measured):
        if before.jump is None or not is_plausible(before.jump, measured):
            return structs.replace(before, jump=measured)
        return _progress(trip, before, measured, measured, before.speed)
    speed, anchor = before.speed, before.anchor
    elapsed_s = _seconds(anchor, measured)
    if not 0 <= elapsed_s <= _MAX_SILENCE_S:
        anchor = measured
    elif elapsed_s >= _MEASURE_S:
        speed = smoothed_speed(speed, distance_between(anchor.point, measured.point) / elapsed_s, elapsed_s)
        anchor = measured
    return _progress(trip, before, measured, anchor, speed)


def is_plausible(before: Measured, after: Measured) -> bool:
    """Return whether a vehicle can have moved from one position to the other."""
    reach_m = _MEASURE_ERROR_M + _MAX_PLAUSIBLE_SPEED * max(0.0, _seconds(before, after))
    return distance_between(before.point, after.point) <= reach_m


def smoothed_speed(before: float, measured: float, elapsed_s: float) -> float:
    """Return the speed after `measured` was driven for a time, within the limits of sane speeds."""
    weight = 1 - math.exp(-elapsed_s / _SMOOTHING_S)
    return _clamp(before + weight * (_clamp(measured) - before))


def remaining_min(straight_m: float, speed: float) -> float:
    """Return the minutes for a straight-line distance at a speed on the road."""
    return straight_m * ROAD_FACTOR / speed / _S_A_MIN


def shown_min(before: int | None, minutes: float) -> int | None:
    """Return the minutes to show: `before`, unless the estimate differs by a minute.

    Returns None above `MAX_ETA_MIN`.
    """
    if minutes > MAX_ETA_MIN:
        return None
    return before if before is not None and abs(minutes - before) < _MIN_CHANGE_MIN else round(minutes)


def minutes_late(scheduled_at: datetime, now: datetime, eta_min: int) -> float:
    """Return by how many minutes the barber comes after the start of the visit; negative if earlier."""
    return (now - scheduled_at).total_seconds() / _S_A_MIN + eta_min


def distance_between(one: LatLng, other: LatLng) -> float:
    return distance_m(unit_vector(one.lat, one.lng), unit_vector(other.lat, other.lng))


def _progress(trip: Trip, before: Progress | None, measured: Measured, anchor: Measured, speed: float) -> Progress:
    distance = distance_between(measured.point, trip.destination)
    near = (before.near if before else 0) + 1 if distance <= _NEAR_M else 0
    is_there = distance <= _AT_THE_DOOR_M or near >= _NEAR_POSITIONS
    arrived = trip.arrived or is_there or (before is not None and before.arrived)
    eta = 0 if arrived else shown_min(before.eta_min if before else None, remaining_min(distance, speed))
    return Progress(
        newest=measured,
        anchor=anchor,
        speed=speed,
        distance_m=round(distance, 1),
        eta_min=eta,
        near=min(near, _NEAR_POSITIONS),
        arrived=arrived,
        lateness=before.lateness if before else None,
    )


def _seconds(before: Measured, after: Measured) -> float:
    return (after.at - before.at).total_seconds()


def _clamp(speed: float) -> float:
    return min(max(speed, MIN_SPEED), MAX_SPEED)
