"""The free times of a barber: the rules of `slots.py` laid over what is booked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.availability.schemas import DaySlots, SlotOut, SlotQuery, SlotsOut
from grome.availability.slots import Calendar, first_slot_between, free_slots, occupiable, tick_of
from grome.barbers.models import Barber
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
        calendar = _calendar(barber, now, taken)
        return SlotsOut(
            barber.timezone,
            [
                DaySlots(day, [SlotOut(slot.start, slot.end) for slot in slots])
                for day, slots in free_slots(calendar, query.first, query.last, duration)
            ],
        )

    async def free_between(
        self, barber_ids: Sequence[UUID], start: datetime, end: datetime, service_id: UUID | None
    ) -> frozenset[UUID]:
        """Those who could be booked now for a visit that lies wholly between two aware moments, buffers aside.

        The visit is for the service, or for the shortest that each barber offers; who does not offer it, or is not
        there, is not free. Two queries at most, however many barbers there are.
        """
        barbers = await self._barbers.find_many(barber_ids)
        wanted = [(barber, duration) for barber in barbers if (duration := _visit_min(barber, service_id)) is not None]
        if not wanted:
            return frozenset()
        held = occupiable([barber.rules for barber, _ in wanted], start, end)
        taken = await self._bookings.occupied_by([barber.id for barber, _ in wanted], held.start, held.end)
        now = self._clock()
        free: set[UUID] = set()
        for barber, duration in wanted:
            calendar = _calendar(barber, now, taken.get(barber.id, frozenset()))
            if first_slot_between(calendar, start, end, duration):
                free.add(barber.id)
            await asyncio.sleep(0)  # a long window takes a while for many: other requests have their turns meanwhile
        return frozenset(free)


def _calendar(barber: Barber, now: datetime, taken: frozenset[int]) -> Calendar:
    return Calendar(ZoneInfo(barber.timezone), barber.availability, barber.rules, now, taken)


def _visit_min(barber: Barber, service_id: UUID | None) -> int | None:
    """Minutes that the service takes, or the shortest of all; None where it is not offered."""
    offers = (offer for offer in barber.services if service_id in (None, offer.service_id))
    return min((offer.duration_min for offer in offers), default=None)


def _ticks_around(first: date, last: date, now: datetime) -> tuple[int, int]:
    """The ticks that `free_slots` must know of; no more than the farthest horizon, however far the dates reach."""
    earliest = max(first, now.date() - timedelta(days=2)) - timedelta(days=1)
    latest = min(last, now.date() + timedelta(days=368)) + timedelta(days=3)
    begin, end = (datetime.combine(day, time(), UTC) for day in (earliest, latest))
    return tick_of(begin), tick_of(end)
