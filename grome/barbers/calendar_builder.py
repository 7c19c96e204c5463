"""A barber's calendar for a visit: hours, openings and rules laid together, and the way to the customer."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from grome.barbers.models import Barber, ChosenService, GeoPoint, HouseCallRules
from grome.common.errors import Invalid
from grome.common.geo import distance_m, unit_vector
from grome.scheduling.models import BookingRules, HolidayCalendar
from grome.scheduling.slots import Calendar
from grome.scheduling.ticks import span_between
from grome.scheduling.visit_plan import Visit, rules_for, visit_for

_TRAVEL_STEP_MIN: Final = 5


class Way(NamedTuple):
    """Holds the straight-line distance and the travel time from the barber to a customer."""

    distance_m: float
    travel_min: int


NO_WAY: Final = Way(0.0, 0)


def lay_out(
    barber: Barber, services: Sequence[ChosenService], now: datetime, taken: frozenset[int], way: Way = NO_WAY
) -> tuple[Calendar, Visit]:
    """Build the calendar and the visit that `obstacle` and the other rules need; `taken` as in `Calendar`."""
    calendar = calendar_of(barber, rules_for(barber.rules, services), now, taken)
    return calendar, visit_for(barber.rules, services, way.travel_min, _way_min(barber.house_calls, way))


def calendar_of(barber: Barber, rules: BookingRules, now: datetime, taken: frozenset[int] = frozenset()) -> Calendar:
    """Build the calendar of a barber's openings and time off; `rules` and `taken` as in `Calendar`."""
    openings = barber.openings
    return Calendar(
        ZoneInfo(barber.timezone),
        barber.availability,
        rules,
        now,
        taken,
        overrides={override.date: override.hours for override in openings.overrides},
        time_off=tuple(span_between(off.starts_at, off.ends_at) for off in openings.time_off),
        holidays=_Holidays(openings.holidays) if openings.holidays else (),
    )


def way_to(barber: Barber, point: GeoPoint, field: str) -> Way:
    """Return the travel to the point.

    Raises Invalid for `field` if the barber makes no house calls, or not so far away.
    """
    if not barber.service_radius_km:
        raise Invalid(field, "the barber makes no house calls")
    (from_lng, from_lat), (to_lng, to_lat) = barber.location.coordinates, point.coordinates
    distance = round(distance_m(unit_vector(from_lat, from_lng), unit_vector(to_lat, to_lng)), 1)
    if distance > barber.service_radius_km * 1000:
        raise Invalid(field, f"is farther away than {barber.service_radius_km:g} km, as far as the barber goes")
    minutes = _travel_minutes(barber.house_calls, distance)
    return Way(distance, -int(-minutes // _TRAVEL_STEP_MIN) * _TRAVEL_STEP_MIN)


def _travel_minutes(rules: HouseCallRules, distance: float) -> float:
    return max(rules.minutes_per_km * distance / 1000, rules.least_travel_min)


def _way_min(rules: HouseCallRules, way: Way) -> int:
    """The way to the minute. As it was rounded up, where it was booked under other rules than these."""
    exact = round(_travel_minutes(rules, way.distance_m))
    return exact if way.travel_min - _TRAVEL_STEP_MIN <= exact <= way.travel_min else way.travel_min


def unknown_part(calendar: HolidayCalendar) -> str | None:
    """Return the field with an unsupported country or subdivision; None if the holidays are known."""
    parts = _library().list_supported_countries().get(calendar.country)
    if parts is None:
        return "country"
    return "subdivision" if calendar.subdivision and calendar.subdivision not in parts else None


@dataclass(frozen=True, slots=True)
class _Holidays:
    calendar: HolidayCalendar

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _holidays_in(self.calendar, day.year)


# About 1 kB each.
@lru_cache(maxsize=2048)
def _holidays_in(calendar: HolidayCalendar, year: int) -> frozenset[date]:
    part = calendar.subdivision or None
    return frozenset(_library().country_holidays(calendar.country, subdiv=part, years=year, expand=False))


def _library() -> Any:  # noqa: ANN401 -- a module
    """Loaded where the first shop wants it: it takes 16 MiB of a process that most shops can do without."""
    return importlib.import_module("holidays")
