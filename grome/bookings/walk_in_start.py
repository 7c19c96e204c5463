"""Create visits that begin at once, for customers without an appointment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from grome.barbers.models import Barber
from grome.bookings.drafts import BookingDraft, PlatformTerms, build_booking
from grome.bookings.errors import BookingInFlight, SlotTaken
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action, Booking, Guest, HistoryEntry, Origin, Party, Status
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingOut, booking_out
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.scheduling.offers import ChosenService
from grome.scheduling.ticks import TICK, moment_of, tick_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkInStart:
    """Describes a walk-in that begins; `duration_min` is the expected duration."""

    id: UUID
    customer_id: UUID | None
    guest: Guest | None
    services: Sequence[ChosenService]
    duration_min: int


class WalkInStarter:
    """Creates walk-in visits; they claim time by the same index as all bookings, and no availability rule applies."""

    def __init__(
        self, bookings: BookingRepository, lifecycle: BookingLifecycle, platform: PlatformTerms, clock: Clock
    ) -> None:
        self._bookings, self._lifecycle, self._platform, self._clock = bookings, lifecycle, platform, clock

    async def start(self, barber: Barber, seating: WalkInStart) -> BookingOut:
        """Create a booking in progress, from the current five minutes on.

        Raises SlotTaken if another booking holds the current or the following ticks. A repeat under the same id returns
        the same booking.
        """
        booking = self._build_booking(barber, seating, self._clock())
        return await self._lifecycle.claim_after_expiry(barber.id, lambda: booking.ticks, lambda: self._insert(booking))

    async def _insert(self, booking: Booking) -> BookingOut:
        try:
            await self._bookings.insert(booking)
        except (SlotTaken, BookingInFlight):  # perhaps by an earlier attempt to store the same booking
            stored = await self._bookings.find({"barber_id": booking.barber_id}, booking.id)
            if stored is None:
                raise
            return booking_out(stored)
        return booking_out(booking)

    def _build_booking(self, barber: Barber, seating: WalkInStart, now: datetime) -> Booking:
        first = tick_of(now)
        start = moment_of(first)
        draft = BookingDraft(
            id=seating.id,
            customer_id=seating.customer_id,
            guest=seating.guest,
            barber=barber,
            services=list(seating.services),
            start=start,
            terms=barber.terms,
            origin=Origin.WALK_IN,
        )
        ends_at = start + timedelta(minutes=seating.duration_min)
        return msgspec.structs.replace(
            build_booking(draft, now, self._platform),
            ends_at=ends_at,
            ticks=list(
                range(first, first + (ends_at - start) // TICK)
            ),  # no buffers, since the customer is in the shop
            status=Status.IN_PROGRESS,
            awaits=None,
            answer_by=None,
            version=2,
            history=[
                _entry(barber, 1, Action.CREATE, Status.ACCEPTED, now, start),
                _entry(barber, 2, Action.START, Status.IN_PROGRESS, now, None),
            ],
        )


def _entry(
    barber: Barber, version: int, action: Action, status: Status, at: datetime, start: datetime | None
) -> HistoryEntry:
    return HistoryEntry(
        id=new_id(),
        version=version,
        action=action,
        status=status,
        by=Party.BARBER,
        actor_id=barber.id,
        at=at,
        scheduled_at=start,
        origin=origin_by(barber.id),
    )
