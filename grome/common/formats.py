"""Dates, times and prices as each language writes them."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_gmt, get_timezone_name
from babel.numbers import format_currency

from grome.common.money import minor_digits

_NARROW, _FIXED = "\u202f", "\u00a0"  # spaces that do not break; the narrow one is missing from many fonts


def wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall time in `zone`; a moment without a zone already is wall time there."""
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def needs_zone(wall: datetime, reader: ZoneInfo) -> bool:
    """Return whether the reader could misread the time: the reader's clock differs, or shows this time twice."""
    twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    return twice or wall.utcoffset() != wall.astimezone(reader).utcoffset()


def long_date(wall: datetime, locale: Locale) -> str:
    return format_date(wall, "full", locale)


def short_date(wall: datetime, locale: Locale) -> str:
    """Weekday, day and month."""
    return format_skeleton("MMMEd", wall, locale=locale)


def clock(wall: datetime, locale: Locale) -> str:
    return format_time(wall, "short", locale=locale).replace(_NARROW, _FIXED)


def minutes(count: int, locale: Locale) -> str:
    """In words, also where they make more than an hour."""
    return format_timedelta(timedelta(minutes=count), "minute", threshold=count + 1, locale=locale)


def zone_name(wall: datetime, locale: Locale) -> str:
    """In words, e.g. Central European Summer Time."""
    return get_timezone_name(wall, locale=locale)


def zone_offset(wall: datetime, locale: Locale) -> str:
    """In figures, e.g. GMT+02:00."""
    return get_timezone_gmt(wall, "long", locale)


def price(amount: int, currency: str, locale: Locale) -> str:
    """`amount` in minor units; always with all digits that the currency counts."""
    digits = minor_digits(currency)
    pattern = locale.currency_formats["standard"].pattern.replace("0.00", f"0.{'0' * digits}".rstrip("."))
    value = Decimal(amount).scaleb(-digits)
    return format_currency(value, currency, pattern, locale, currency_digits=False).replace(_NARROW, _FIXED)
