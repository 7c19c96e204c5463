"""Undo a start or a no-show that was recorded by mistake."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.barbers.service import BarberService
from grome.bookings.booked_visit import rebuild_calendar_and_visit
from grome.bookings.cap_seats import claim_seats
from grome.bookings.errors import KeepsChanging, SeatTaken, WrongState
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import ANNOTATIONS, TRANSITIONS, Action, Booking, Party, Status
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingOut, booking_out
from grome.bookings.updates import ATTEMPTS, Author, BookingUpdate, BookingUpdater, author_of
from grome.bookings.windows import window_of
from grome.common.actor import Actor
from grome.infrastructure.mongo.client import Document
from grome.scheduling.daily_caps import Claims
from grome.scheduling.ticks import tick_of

# The fields that each action has set, with their earlier values. After a no-show, `active` claims the ticks again.
_EARLIER_FIELDS: Final[dict[Action, Document]] = {
    Action.START: {"early_ticks": []},
    Action.NO_SHOW: {"active": True, "reason": None, "settlement": None},
}


class TransitionUndo:
    def __init__(
        self, bookings: BookingRepository, updater: BookingUpdater, lifecycle: BookingLifecycle, barbers: BarberService
    ) -> None:
        self._bookings, self._updater, self._lifecycle, self._barbers = bookings, updater, lifecycle, barbers

    async def undo(self, actor: Actor, booking_id: UUID) -> BookingOut:
        """Make the visit accepted again; a repeat changes nothing and is no error.

        Raises NotFound, WrongState if the newest transition is neither a start nor a no-show, OutsideWindow, and
        SlotTaken or SlotNotOffered if another booking has taken the time of a no-show meanwhile.
        """
        by = author_of(actor)
        for _ in range(ATTEMPTS):
            booking, now = await self._updater.get_current(by, booking_id)
            newest = next(entry for entry in reversed(booking.history) if entry.action not in ANNOTATIONS)
            if newest.action is Action.UNDO:
                return booking_out(booking)
            if newest.action not in _EARLIER_FIELDS or booking.status not in TRANSITIONS[Action.UNDO].sources:
                raise WrongState("Only a start or a no-show can be undone, before anything else happens.")
            window_of(booking, Action.UNDO, Party.BARBER).check(now)
            if written := await self._claim(by, booking, newest.action, now):
                return booking_out(written)
        raise KeepsChanging

    async def _claim(self, by: Author, booking: Booking, undone: Action, now: datetime) -> Booking | None:
        """Return the accepted booking, or None if the booking has changed since it was read."""
        # Without the ticks that an early start claimed.
        ticks = [tick for tick in booking.ticks if tick not in booking.early_ticks]

        async def write(ticks: list[int]) -> Booking | None:
            fields = {**_EARLIER_FIELDS[undone], "ticks": ticks}
            update = BookingUpdate(action=Action.UNDO, status=Status.ACCEPTED, fields=fields, undoes=undone)
            return await self._updater.write(booking, by, update, now)

        async def claim() -> Booking | None:
            try:
                return await write(ticks)
            except SeatTaken:  # the day may have another free seat
                return await self._claim_other_seats(booking, now, write)

        return await self._lifecycle.claim_after_expiry(booking.barber_id, lambda: booking.ticks, claim)

    async def _claim_other_seats(
        self, booking: Booking, now: datetime, write: Callable[[list[int]], Awaitable[Booking | None]]
    ) -> Booking | None:
        calendar, visit = rebuild_calendar_and_visit(await self._barbers.get(booking.barber_id), booking, now)
        time, day = Claims.of(booking.ticks).time, calendar.date_of(tick_of(booking.scheduled_at))

        async def write_with(seats: list[int]) -> Booking | None:
            return await write([*time, *seats])

        return await claim_seats(self._bookings, booking.barber_id, visit, day, write_with)
