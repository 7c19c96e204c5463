"""Calendar feeds on the wire of the API."""

from typing import Annotated

from msgspec import Meta, Struct

Address = Annotated[str, Meta(description="For a calendar app to subscribe to. Whoever has it reads the feed.")]


class CalendarOut(Struct, frozen=True):
    """Holds the address of the feed. `url` is null while the feed is off."""

    url: Address | None
