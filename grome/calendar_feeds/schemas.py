"""Define the responses about calendar feeds."""

from typing import Annotated

from msgspec import Meta, Struct


class CalendarOut(Struct, frozen=True):
    """Holds the URL of the feed."""

    url: Annotated[str, Meta(examples=["https://api.example.com/v1/calendars/q3JmXo4nT0y8/grome.ics"])] | None
    """For calendar apps; anyone with the URL can read the feed. Null while the feed is off."""
