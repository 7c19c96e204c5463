"""Define the responses about calendar feeds."""

from msgspec import Struct


class CalendarOut(Struct, frozen=True):
    """Holds the URL of the feed."""

    url: str | None
    """For calendar apps; anyone with the URL can read the feed. Null while the feed is off."""
