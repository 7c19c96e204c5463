"""Change a booking of a series and all that follow it: each by the ordinary way, with an outcome of its own."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from grome.bookings.changing import BookingChanges
from grome.bookings.models import Booking, Status
from grome.bookings.moves import BookingMoves
from grome.bookings.schemas import BookingOut, CancelIn, EndIn
from grome.bookings.service import BookingService
from grome.common.actor import Actor
from grome.common.errors import Refusal
from grome.series.errors import NotInSeries
from grome.series.repository import SeriesRepository, seen_by
from grome.series.schemas import ChangedOut, SeriesChanged
from grome.series.service import refused

_OPEN: Final = frozenset({Status.REQUESTED, Status.ACCEPTED})


class FollowingVisits:
    def __init__(
        self, series: SeriesRepository, bookings: BookingService, changes: BookingChanges, moves: BookingMoves
    ) -> None:
        self._series, self._bookings, self._changes, self._moves = series, bookings, changes, moves

    async def cancel(self, actor: Actor, booking_id: UUID, wanted: EndIn) -> SeriesChanged:
        """Raises NotFound for what is not the actor's, and NotInSeries."""
        following = await self._following(actor, booking_id)

        async def change(booking: Booking) -> BookingOut:
            return await self._moves.cancel(actor, booking.id, CancelIn(wanted.note))

        return SeriesChanged([await _outcome(booking, change) for booking in following])

    async def _following(self, actor: Actor, booking_id: UUID) -> list[Booking]:
        """The open bookings of the series from this one on, by time."""
        this = await self._changes.find(actor, booking_id)
        series = await self._series.find(seen_by(actor), this.series_id) if this.series_id else None
        if series is None:
            raise NotInSeries
        found = await self._bookings.find_many([one.booking_id for one in series.occurrences])
        following = [one for one in found.values() if one.status in _OPEN and one.scheduled_at >= this.scheduled_at]
        return sorted(following, key=lambda one: one.scheduled_at)


async def _outcome(booking: Booking, change: Callable[[Booking], Awaitable[BookingOut]]) -> ChangedOut:
    try:
        return ChangedOut(booking.id, await change(booking), None)
    except Refusal as refusal:
        return ChangedOut(booking.id, None, refused(refusal))
