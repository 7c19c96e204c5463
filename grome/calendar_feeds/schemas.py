"""Define the responses about calendar feeds."""

from typing import Annotated

from msgspec import Meta, Struct

Address = Annotated[str, Meta(description="URL for calendar apps. Anyone with the URL can read the feed.")]


class CalendarOut(Struct, frozen=True):
    """Holds the URL of the feed. `url` is null while the feed is off."""

    url: Address | None
