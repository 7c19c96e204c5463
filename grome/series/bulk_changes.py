"""Change a booking of a series and all open bookings after it, each alone and with its own result."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Booking, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.reschedule import Rescheduler
from grome.bookings.schemas import BookingOut, CancelIn, EndIn, RescheduleIn
from grome.bookings.updates import BookingUpdater
from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.errors import ApiError, Invalid
from grome.infrastructure.mongo.access import visible_to
from grome.scheduling.models import MAX_HORIZON_DAYS
from grome.series.errors import NotInSeries
from grome.series.models import Series
from grome.series.recurrence import shift_start
from grome.series.repository import SeriesRepository
from grome.series.schemas import ChangedOut, FollowingIn, SeriesChanged
from grome.series.service import refusal_out

# The greatest shift that a barber's calendar allows.
_MAX_SHIFT: Final = timedelta(days=MAX_HORIZON_DAYS)
_OPEN_STATUSES: Final = frozenset({Status.REQUESTED, Status.ACCEPTED})


class SeriesBulkChanges:
    def __init__(
        self,
        series: SeriesRepository,
        bookings: BookingQueries,
        changes: BookingUpdater,
        moves: BookingLifecycle,
        rescheduling: Rescheduler,
    ) -> None:
        self._series, self._bookings, self._changes = series, bookings, changes
        self._moves, self._rescheduling = moves, rescheduling

    async def cancel(self, actor: Actor, booking_id: UUID, wanted: EndIn) -> SeriesChanged:
        """Raises NotFound if the booking is not the actor's, and NotInSeries."""
        _, _, following = await self._following(actor, booking_id)

        async def change(booking: Booking) -> BookingOut:
            return await self._moves.cancel(actor, booking.id, CancelIn(wanted.note))

        return SeriesChanged([await _apply_change(booking, change) for booking in following])

    async def reschedule(self, actor: Actor, booking_id: UUID, wanted: FollowingIn) -> SeriesChanged:
        """Shift all bookings by the wall-clock difference of this booking.

        Raises NotFound if the booking is not the actor's, NotInSeries and Invalid.
        """
        to = to_utc(wanted.scheduled_at, "scheduled_at")
        this, series, following = await self._following(actor, booking_id)
        if abs(to - this.scheduled_at) > _MAX_SHIFT:
            raise Invalid("scheduled_at", f"must lie within {_MAX_SHIFT.days} days of the present time")
        timezone = ZoneInfo(series.timezone)

        async def change(booking: Booking) -> BookingOut:
            start = shift_start(booking.scheduled_at, (this.scheduled_at, to), timezone)
            return await self._rescheduling.reschedule(actor, booking.id, RescheduleIn(start, note=wanted.note))

        # The farthest booking comes first, as a booking may take the present time of the next.
        is_later = to > this.scheduled_at
        results = [await _apply_change(booking, change) for booking in sorted(following, key=_start, reverse=is_later)]
        return SeriesChanged(results[::-1] if is_later else results)

    async def _following(self, actor: Actor, booking_id: UUID) -> tuple[Booking, Series, list[Booking]]:
        """Return the booking, its series, and the open bookings of the series from this booking on, by start."""
        this = await self._changes.get(actor, booking_id)
        series = await self._series.find(visible_to(actor), this.series_id) if this.series_id else None
        if series is None:
            raise NotInSeries
        found = await self._bookings.find_many([occurrence.booking_id for occurrence in series.occurrences])
        following = [
            each for each in found.values() if each.status in _OPEN_STATUSES and each.scheduled_at >= this.scheduled_at
        ]
        return this, series, sorted(following, key=_start)


def _start(booking: Booking) -> datetime:
    return booking.scheduled_at


async def _apply_change(booking: Booking, change: Callable[[Booking], Awaitable[BookingOut]]) -> ChangedOut:
    try:
        return ChangedOut(booking.id, await change(booking), None)
    except ApiError as refusal:
        return ChangedOut(booking.id, None, refusal_out(refusal))
