"""The free times of a barber: the rules of `slots.py` laid over what is booked."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.availability.schemas import DaySlots, SlotOut, SlotQuery, SlotsOut
from grome.availability.slots import Calendar, free_slots, tick_of
from grome.barbers.service import BarberService, chosen_offers
from grome.bookings.service import BookingService
from grome.common.clock import Clock
from grome.common.errors import Invalid

MAX_DAYS: Final = 31


class AvailabilityService:
    def __init__(self, barbers: BarberService, bookings: BookingService, clock: Clock) -> None:
        self._barbers, self._bookings, self._clock = barbers, bookings, clock

    async def slots(self, barber_id: UUID, query: SlotQuery) -> SlotsOut:
        """Every start that could be booked now; raises NotFound, or Invalid for a service or the range of dates."""
        days = (query.last - query.first).days + 1
        if not 1 <= days <= MAX_DAYS:
            raise Invalid("to", f"must be on or after `from` and at most {MAX_DAYS} dates in all")
        barber = await self._barbers.find(barber_id)
        duration = sum(offer.duration_min for offer in chosen_offers(barber, query.service_ids))
        now = self._clock()
        first_tick, end_tick = _ticks_around(query.first, query.last, now)
        taken = await self._bookings.occupied(barber_id, first_tick, end_tick)
        calendar = Calendar(ZoneInfo(barber.timezone), barber.availability, barber.rules, now, taken)
        return SlotsOut(
            barber.timezone,
            [
                DaySlots(day, [SlotOut(slot.start, slot.end) for slot in slots])
                for day, slots in free_slots(calendar, query.first, query.last, duration)
            ],
        )


def _ticks_around(first: date, last: date, now: datetime) -> tuple[int, int]:
    """The ticks that `free_slots` must know of; no more than the farthest horizon, however far the dates reach."""
    earliest = max(first, now.date() - timedelta(days=2)) - timedelta(days=1)
    latest = min(last, now.date() + timedelta(days=368)) + timedelta(days=3)
    begin, end = (datetime.combine(day, time(), UTC) for day in (earliest, latest))
    return tick_of(begin), tick_of(end)
