"""Suggest the report of a delay to a barber on the way, and leave the decision to the barber."""

import math
from datetime import datetime
from typing import Final

from grome.bookings.errors import HistoryFull, OutsideWindow, WrongState
from grome.bookings.queries import BookingQueries
from grome.bookings.running_late import DelayShifter
from grome.bookings.schemas import MAX_LATE_MIN
from grome.common.actor import Actor
from grome.tracking.eta import minutes_late
from grome.tracking.models import Lateness, Progress, Trip

_LATE_MIN: Final = 10.0
_STEP_MIN: Final = 5


class LatenessAdvisor:
    def __init__(self, bookings: BookingQueries, delays: DelayShifter) -> None:
        self._bookings, self._delays = bookings, delays

    async def advise(self, actor: Actor, trip: Trip, progress: Progress, now: datetime) -> Lateness | None:
        """Return the lateness of the barber, or None below ten minutes.

        The booking is read, and the delay previewed, only if the lateness has changed by a step of five minutes.
        """
        needed = _minutes_needed(trip.scheduled_at, now, progress)
        if needed is None:
            return None
        if progress.lateness and progress.lateness.minutes == needed:
            return progress.lateness
        return Lateness(needed, await self._find_suggestion(actor, trip, progress, now))

    async def _find_suggestion(self, actor: Actor, trip: Trip, progress: Progress, now: datetime) -> int | None:
        """Return the total delay to report; None if it is reported already, or the visit cannot be delayed."""
        booking = await self._bookings.get(actor, trip.booking_id)
        needed = _minutes_needed(booking.scheduled_at, now, progress)
        if needed is None:
            return None
        total = min(booking.late_min + needed, MAX_LATE_MIN)
        try:
            preview = await self._delays.preview(actor, trip.booking_id, total)
        except (WrongState, OutsideWindow, HistoryFull):
            return None
        return total if preview.late_min > booking.late_min else None


def _minutes_needed(scheduled_at: datetime, now: datetime, progress: Progress) -> int | None:
    if progress.arrived or progress.eta_min is None:
        return None
    late = minutes_late(scheduled_at, now, progress.eta_min)
    return math.ceil(late / _STEP_MIN) * _STEP_MIN if late >= _LATE_MIN else None
