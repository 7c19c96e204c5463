"""Request and response bodies of the waitlist."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.clock import Instant
from grome.common.geo import LatLng, to_lat_lng
from grome.infrastructure.http import NextCursor, PageQuery
from grome.waitlist.models import MAX_SERVICES, RadiusKm, State, WaitlistEntry


class AreaIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A circle in which any barber may offer a time."""

    location: LatLng
    """Center of the area."""
    radius_km: RadiusKm
    """Any barber within this distance of the center may offer a time."""


class EntryIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes the wanted visit, at one barber or in an area."""

    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_SERVICES)]
    """Services of the catalogue, in the order of the visit."""
    earliest: Instant
    """The visit starts at this time or later."""
    latest: Instant
    """The visit ends by this time, at most 92 days from now."""
    barber_id: UUID | None = None
    """Barber to wait for; exclusive with `area`."""
    area: AreaIn | None = None
    """Area to wait in, for any barber that offers the services; exclusive with `barber_id`."""


class EntryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: State | None = None
    """Only entries in this state."""


class AreaOut(Struct, frozen=True):
    """A circle in which any barber may offer a time."""

    location: LatLng
    """Center of the area."""
    radius_km: float
    """Distance from the center, in kilometres."""


class EntryOut(Struct, frozen=True):
    """Describes a waitlist entry.

    If the barber confirms bookings, an accepted offer stays `offered` until the barber has agreed.
    """

    id: UUID
    """Id of the entry; the path parameter `entry_id`."""
    barber_id: UUID | None
    """Barber to wait for; null if the entry is for an area."""
    area: AreaOut | None
    """Area to wait in; null if the entry is for one barber."""
    service_ids: list[UUID]
    """Services of the catalogue, in the order of the visit."""
    earliest: datetime
    """The visit starts at this time or later."""
    latest: datetime
    """The visit ends by this time."""
    state: State
    """`offered`: answer the booking within ten minutes. `lapsed`: too late, or too many unanswered offers."""
    booking_id: UUID | None
    """Booking of the open offer, to accept or decline, or of the booked visit; null otherwise."""
    unanswered: int
    """Number of offers that ran out without your answer; after three the entry lapses."""
    joined_at: datetime
    """Earlier entries get offers first."""


class EntryPage(Struct, frozen=True):
    """Holds a page of your waitlist entries."""

    items: list[EntryOut]
    """Your entries, newest first."""
    next_cursor: NextCursor


class WaitingOut(Struct, frozen=True):
    """Describes an entry that waits for your time. The customer stays anonymous until they book."""

    service_ids: list[UUID]
    """Services of the catalogue, in the order of the visit."""
    earliest: datetime
    """The visit starts at this time or later."""
    latest: datetime
    """The visit ends by this time."""
    joined_at: datetime
    """Earlier entries get offers first."""


class WaitingPage(Struct, frozen=True):
    """Holds a page of the entries that wait for your time."""

    items: list[WaitingOut]
    """Entries that wait for you by name, in the order in which they joined."""
    next_cursor: NextCursor


def entry_out(entry: WaitlistEntry) -> EntryOut:
    return EntryOut(
        entry.id,
        entry.barber_id,
        AreaOut(to_lat_lng(entry.area.location), entry.area.radius_km) if entry.area else None,
        entry.service_ids,
        entry.earliest,
        entry.latest,
        entry.state,
        entry.booking_id,
        entry.unanswered,
        entry.joined_at,
    )


def waiting_out(entry: WaitlistEntry) -> WaitingOut:
    return WaitingOut(entry.service_ids, entry.earliest, entry.latest, entry.joined_at)
