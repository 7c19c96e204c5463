"""A place on the waitlist."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.barbers.models import Barber, GeoPoint

# So long a freed time is held for one person before the next is asked.
HELD: Final = timedelta(minutes=10)
# Who lets so many offers pass unanswered is asked no more.
MOST_UNANSWERED: Final = 3
MOST_WAITING: Final = 20
LONGEST: Final = timedelta(days=92)
MOST_PASSED: Final = 50
RadiusKm = Annotated[float, Meta(gt=0, le=50)]


class State(StrEnum):
    """OFFERED: a booking waits for the customer's word. LAPSED: too late, or too many offers went unanswered."""

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

    `booking_id` is the booking of the offer. `unanswered` counts offers that ran out; who has fewer of them is asked
    first, and among equals who joined first.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID | None
    area: Area | None
    service_ids: list[UUID]
    earliest: datetime
    latest: datetime
    state: State = State.WAITING
    booking_id: UUID | None = None
    offered_at: datetime | None = None
    unanswered: int = 0
    passed: list[Passed] = []
    joined_at: datetime


class Freed(Struct, frozen=True):
    """A barber's time from `start` to `end` that was taken until now."""

    barber: Barber
    start: datetime
    end: datetime
