"""A waitlist entry, its offers, and the search for entries to match."""

import hashlib
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from grome.common.geo import GeoPoint

# Freed time is held this long for one customer before it is offered to the next.
OFFER_HOLD: Final = timedelta(minutes=10)
# An entry with this many unanswered offers lapses.
MAX_UNANSWERED: Final = 3
MAX_OPEN_ENTRIES: Final = 20
MAX_SERVICES: Final = 10
MAX_WINDOW: Final = timedelta(days=92)
MAX_DECLINED_SLOTS: Final = 50
# An ended entry can be read this long.
ENDED_RETENTION: Final = timedelta(days=30)
MAX_RADIUS_KM: Final = 50
RadiusKm = Annotated[float, Meta(gt=0, le=MAX_RADIUS_KM)]


class State(StrEnum):
    """The state of an entry.

    OFFERED: a booking is held until both sides agree to it. BOOKED: both sides have agreed. LAPSED: the window is over,
    or too many offers went unanswered.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    LEFT = "left"
    LAPSED = "lapsed"


OPEN_STATES: Final = frozenset({State.WAITING, State.OFFERED})


class Area(Struct, frozen=True):
    location: GeoPoint
    radius_km: RadiusKm


class DeclinedSlot(Struct, frozen=True):
    """A time that was offered and declined; it is not offered to the same customer again."""

    barber_id: UUID
    start: datetime


class WaitlistEntry(Struct, frozen=True, kw_only=True):
    """A customer's wait for services at one barber, or at any in an area, wholly within [earliest, latest).

    `booking_id` is the booking of the offer. `unanswered` counts offers that ran out; entries with fewer are offered
    time first, and, at the same count, entries that joined earlier. `passed` are times that the barber declined, or
    that the customer declined on any entry since this entry was made. While an entry is open, it holds one of its
    customer's numbered `place`s and its `fingerprint`. Unique indexes on them enforce the limit of open entries, and a
    single open entry for the same request.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID | None
    area: Area | None
    service_ids: Annotated[list[UUID], Meta(max_length=MAX_SERVICES)]
    earliest: datetime
    latest: datetime
    state: State = State.WAITING
    booking_id: UUID | None = None
    offered_at: datetime | None = None
    unanswered: int = 0
    passed: Annotated[list[DeclinedSlot], Meta(max_length=MAX_DECLINED_SLOTS)] = []
    joined_at: datetime
    place: Annotated[int, Meta(ge=0, le=MAX_OPEN_ENTRIES - 1)] | None = None
    fingerprint: bytes | None = None
    ended_at: datetime | None = None

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.earliest, self.latest

    @property
    def turn(self) -> "Turn":
        return Turn(self.unanswered, self.joined_at, self.id)


def request_fingerprint(entry: WaitlistEntry) -> bytes:
    """Return the SHA-256 of the barber or area, the services and the window; the services' order does not matter."""
    services = sorted(entry.service_ids)
    wish = (entry.barber_id, entry.area, services, entry.earliest, entry.latest)
    return hashlib.sha256(msgspec.json.encode(wish)).digest()


class Turn(Struct, frozen=True, order=True):
    """The position of an entry in the order of offers."""

    unanswered: int
    joined_at: datetime
    id: UUID


class DateRange(Struct, frozen=True):
    """Local dates of a barber, both included."""

    first: date
    last: date


class FreedTimeSearch(Struct, frozen=True, kw_only=True):
    """A search for entries that wait for time that may have become free at a barber.

    `dates` are the dates with possibly free time, None for all dates. The search continues behind the turn `after`. The
    customer `asked_last` has just declined a time on these dates, and gets offers after all others; `is_last` is true
    once the search has gone through all others.
    """

    barber_id: UUID
    dates: DateRange | None = None
    asked_last: UUID | None = None
    is_last: bool = False
    after: Turn | None = None


class OfferEnd(Struct, frozen=True):
    """An offer that ended without a visit. `ran_out`: the customer has not answered."""

    passed: DeclinedSlot
    ran_out: bool
