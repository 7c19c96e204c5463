"""A place on the waitlist."""

import hashlib
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from grome.barbers.models import GeoPoint

# So long a freed time is held for one person before the next is asked.
HELD: Final = timedelta(minutes=10)
# Who lets so many offers pass unanswered is asked no more.
MOST_UNANSWERED: Final = 3
MOST_WAITING: Final = 20
MOST_SERVICES: Final = 10
LONGEST: Final = timedelta(days=92)
MOST_PASSED: Final = 50
# So long an entry that has ended can still be read.
ENDED_KEPT: Final = timedelta(days=30)
RadiusKm = Annotated[float, Meta(gt=0, le=50)]


class State(StrEnum):
    """OFFERED: a booking is held until both sides agree to it. BOOKED: both have agreed. LAPSED: the window is over, or
    too many offers went unanswered.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    LEFT = "left"
    LAPSED = "lapsed"


OPEN: Final = frozenset({State.WAITING, State.OFFERED})


class Area(Struct, frozen=True):
    location: GeoPoint
    radius_km: RadiusKm


class Passed(Struct, frozen=True):
    """A time that was offered and not wanted; it is not offered to the same person again."""

    barber_id: UUID
    start: datetime


class Entry(Struct, frozen=True, kw_only=True):
    """Somebody waits for these services at one barber, or at anybody's in an area, wholly within [earliest, latest).

    `booking_id` is the booking of the offer. `unanswered` counts offers that ran out; entries with fewer of them are
    asked first, and among equals those that joined first. `passed` are times that the customer has turned down on any
    entry since this one was made, or that the barber has turned down. While an entry is open it holds one of its
    customer's numbered `place`s and its `fingerprint`, the hash of what is waited for: unique indexes over these hold
    the limit, and that nobody waits twice for the same.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID | None
    area: Area | None
    service_ids: Annotated[list[UUID], Meta(max_length=MOST_SERVICES)]
    earliest: datetime
    latest: datetime
    state: State = State.WAITING
    booking_id: UUID | None = None
    offered_at: datetime | None = None
    unanswered: int = 0
    passed: Annotated[list[Passed], Meta(max_length=MOST_PASSED)] = []
    joined_at: datetime
    place: Annotated[int, Meta(ge=0, le=MOST_WAITING - 1)] | None = None
    fingerprint: bytes | None = None
    ended_at: datetime | None = None

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.earliest, self.latest

    @property
    def turn(self) -> "Turn":
        return Turn(self.unanswered, self.joined_at, self.id)


def fingerprint_of(entry: Entry) -> bytes:
    """The SHA-256 of what is waited for: the same for the same wish, whatever the order of its services."""
    services = sorted(entry.service_ids)
    wish = (entry.barber_id, entry.area, services, entry.earliest, entry.latest)
    return hashlib.sha256(msgspec.json.encode(wish)).digest()


class Turn(Struct, frozen=True, order=True):
    """The position of an entry in the order in which people are asked."""

    unanswered: int
    joined_at: datetime
    id: UUID


class Dates(Struct, frozen=True):
    """Local dates of a barber, both included."""

    first: date
    last: date


class Search(Struct, frozen=True, kw_only=True):
    """A search for people who wait for what may have become free at a barber.

    `dates` are those on which something may be free, None for all. The search continues behind the turn `after`. The
    customer `asked_last`, who has just turned down a time of these dates, is asked when all others have been; `is_last`
    says that it has come to that.
    """

    barber_id: UUID
    dates: Dates | None = None
    asked_last: UUID | None = None
    is_last: bool = False
    after: Turn | None = None


class Ended(Struct, frozen=True):
    """How an offer ended without a visit. `ran_out`: the customer has not answered."""

    passed: Passed
    ran_out: bool
