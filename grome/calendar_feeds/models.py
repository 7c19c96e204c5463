"""Define the stored state of a calendar feed, and its events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.actor import Role

# The roles that have visits; admins have no feed.
FEED_ROLES: Final = frozenset({Role.CUSTOMER, Role.BARBER})

# The limits of a feed. No horizon reaches farther ahead than a year. If there are more visits, the visits that
# are farthest from today are left out.
PAST_SPAN: Final = timedelta(days=90)
FUTURE_SPAN: Final = timedelta(days=367)
MAX_PAST_VISITS: Final = 500
MAX_FUTURE_VISITS: Final = 1_000
MAX_TIME_OFF: Final = 200
MAX_PUBLISHED: Final = MAX_PAST_VISITS + MAX_FUTURE_VISITS + MAX_TIME_OFF


class CalendarFeed(Struct, frozen=True, kw_only=True):
    """Holds a person's feed under the account id; it is stored at its first change, with defaults before.

    Its URL derives from `generation` by a key that is not in the database (`feed_urls.py`).
    """

    id: UUID = field(name="_id")
    generation: Annotated[int, Meta(ge=0)] = 0
    is_on: bool = True
    changed_at: datetime | None = None


class EventStatus(StrEnum):
    """Names a status of RFC 5545, section 3.8.1.11."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """Describes one event of a calendar, in the reader's language. `sequence` grows with each change.

    `geo` is (latitude, longitude).
    """

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    status: EventStatus
    summary: str
    description: str = ""
    location: str = ""
    geo: tuple[float, float] | None = None
    url: str = ""


class PublishedEntry(Struct, frozen=True):
    """Holds the last published state of an event: a digest of its text, its sequence and its time."""

    uid: str
    digest: bytes
    sequence: int
    changed_at: datetime


class PublishedFeed(Struct, frozen=True, kw_only=True):
    """Holds the last published state of a person's feed under the account id; `version` counts its changes."""

    id: UUID = field(name="_id")
    version: int = 0
    events: Annotated[list[PublishedEntry], Meta(max_length=MAX_PUBLISHED)] = []
