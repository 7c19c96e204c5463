"""Build a barber's calendar for a visit from hours, exceptions and rules, and compute the travel to a customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from grome.barbers.models import Barber, HouseCallRules
from grome.common.errors import Invalid
from grome.common.geo import GeoPoint, distance_m, unit_vector
from grome.scheduling.holidays import ShopHolidays
from grome.scheduling.models import BookingRules
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import Calendar
from grome.scheduling.ticks import span_between
from grome.scheduling.visit_plan import VisitPlan, plan_visit, rules_for

_TRAVEL_STEP_MIN: Final = 5


class Travel(NamedTuple):
    """Holds the straight-line distance and the travel time from the barber to a customer."""

    distance_m: float
    travel_min: int


NO_TRAVEL: Final = Travel(0.0, 0)


def build_calendar_and_visit(
    barber: Barber, services: Sequence[ChosenService], now: datetime, taken: frozenset[int], travel: Travel = NO_TRAVEL
) -> tuple[Calendar, VisitPlan]:
    """Build the calendar and the visit that `reason_unavailable` and the other rules need; `taken` as in `Calendar`."""
    calendar = build_calendar(barber, rules_for(barber.rules, services), now, taken)
    return calendar, plan_visit(
        barber.rules, services, travel.travel_min, _exact_travel_min(barber.house_calls, travel)
    )


def build_calendar(barber: Barber, rules: BookingRules, now: datetime, taken: frozenset[int] = frozenset()) -> Calendar:
    """Build the calendar of a barber's hours, exceptions and time off; `rules` and `taken` as in `Calendar`."""
    openings = barber.openings
    return Calendar(
        ZoneInfo(barber.timezone),
        barber.availability,
        rules,
        now,
        taken,
        overrides={override.date: override.hours for override in openings.overrides},
        time_off=tuple(span_between(off.starts_at, off.ends_at) for off in openings.time_off),
        holidays=ShopHolidays(openings.holidays) if openings.holidays else (),
    )


def travel_to(barber: Barber, point: GeoPoint, field: str) -> Travel:
    """Return the travel to the point.

    Raises Invalid for `field` if the barber makes no house calls, or the point is too far away.
    """
    if not barber.service_radius_km:
        raise Invalid(field, "the barber makes no house calls")
    (from_lng, from_lat), (to_lng, to_lat) = barber.location.coordinates, point.coordinates
    distance = round(distance_m(unit_vector(from_lat, from_lng), unit_vector(to_lat, to_lng)), 1)
    if distance > barber.service_radius_km * 1000:
        raise Invalid(field, f"is farther away than {barber.service_radius_km:g} km, the barber's service radius")
    minutes = _travel_minutes(barber.house_calls, distance)
    return Travel(distance, -int(-minutes // _TRAVEL_STEP_MIN) * _TRAVEL_STEP_MIN)


def _travel_minutes(rules: HouseCallRules, distance: float) -> float:
    return max(rules.minutes_per_km * distance / 1000, rules.least_travel_min)


def _exact_travel_min(rules: HouseCallRules, travel: Travel) -> int:
    """Return the travel time before rounding up, or the booked time if the rules have changed since the booking."""
    exact = round(_travel_minutes(rules, travel.distance_m))
    return exact if travel.travel_min - _TRAVEL_STEP_MIN <= exact <= travel.travel_min else travel.travel_min
