"""The one clock, passed in so that tests can set the time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import available_timezones

from msgspec import Meta

from grome.common.errors import Invalid

Clock = Callable[[], datetime]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.", examples=["2027-03-01T09:00:00Z"])]
TimeZoneName = Annotated[
    str, Meta(min_length=1, max_length=64, description="IANA time zone.", examples=["Europe/Berlin"])
]
# Some systems also list names that are no IANA zones: the setting of the machine, and no choice at all.
ZONES: Final = available_timezones() - {"localtime", "Factory"}


def system_clock() -> datetime:
    """Return the time in UTC, cut to MongoDB's milliseconds, so that an answer equals the value read back."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def to_utc(moment: datetime, field: str) -> datetime:
    """The same instant in UTC; raises Invalid for `field` where it lies outside the years that Python counts."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(field, "lies outside the years 1 to 9999") from None
