"""Request and response bodies of the waitlist."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.clock import Instant
from grome.common.geo import LatLng, to_lat_lng
from grome.infrastructure.http import PageQuery
from grome.waitlist.models import MAX_SERVICES, RadiusKm, State, WaitlistEntry


class AreaIn(Struct, frozen=True, forbid_unknown_fields=True):
    location: LatLng
    radius_km: RadiusKm


class EntryIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes the wanted visit, at `barber_id` or in `area`. The whole visit lies between `earliest` and `latest`."""

    service_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_SERVICES)]
    earliest: Instant
    latest: Instant
    barber_id: UUID | None = None
    area: AreaIn | None = None


class EntryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: State | None = None


class AreaOut(Struct, frozen=True):
    location: LatLng
    radius_km: float


class EntryOut(Struct, frozen=True):
    """Describes a waitlist entry.

    While the state is `offered`, accept or decline the booking `booking_id`. If the barber confirms bookings, the state
    stays `offered` until the barber has agreed. `unanswered` counts the offers that expired without your answer.
    """

    id: UUID
    barber_id: UUID | None
    area: AreaOut | None
    service_ids: list[UUID]
    earliest: datetime
    latest: datetime
    state: State
    booking_id: UUID | None
    unanswered: int
    joined_at: datetime


class EntryPage(Struct, frozen=True):
    items: list[EntryOut]
    next_cursor: str | None


class WaitingOut(Struct, frozen=True):
    """Describes an entry that waits for your time. The customer stays anonymous until they book."""

    service_ids: list[UUID]
    earliest: datetime
    latest: datetime
    joined_at: datetime


class WaitingPage(Struct, frozen=True):
    items: list[WaitingOut]
    next_cursor: str | None


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
