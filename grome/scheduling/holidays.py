"""Public holidays of countries and their subdivisions, from the `holidays` library."""

import importlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from grome.scheduling.models import HolidayCalendar


def find_unknown_field(calendar: HolidayCalendar) -> str | None:
    """Return the field with an unsupported country or subdivision; None if the holidays are known."""
    parts = _library().list_supported_countries().get(calendar.country)
    if parts is None:
        return "country"
    return "subdivision" if calendar.subdivision and calendar.subdivision not in parts else None


@dataclass(frozen=True, slots=True)
class ShopHolidays:
    """Contains the dates on which the calendar's public holidays close the shop."""

    calendar: HolidayCalendar

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _holidays_in(self.calendar, day.year)


# About 1 kB each.
@lru_cache(maxsize=2048)
def _holidays_in(calendar: HolidayCalendar, year: int) -> frozenset[date]:
    part = calendar.subdivision or None
    return frozenset(_library().country_holidays(calendar.country, subdiv=part, years=year, expand=False))


def _library() -> Any:  # noqa: ANN401 -- a module
    """Import the library on first use: it takes 16 MiB, and most processes need no holidays."""
    return importlib.import_module("holidays")
