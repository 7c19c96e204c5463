"""The free times of barbers: the rules of `slots.py` laid over what is booked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from grome.availability.calendars import NO_WAY, Way, lay_out, way_to
from grome.availability.explain import Refused, refusals
from grome.availability.schemas import DaySlots, RefusedOut, SlotOut, SlotQuery, SlotsOut
from grome.availability.slots import Calendar, Slot, first_slot_between, free_slots, obstacle, occupiable
from grome.availability.ticks import tick_of
from grome.availability.visits import Visit, rules_for, visit_for
from grome.barbers.models import Barber, ChosenService
from grome.barbers.schemas import LatLng, to_point
from grome.barbers.service import BarberService, chosen_services
from grome.bookings.service import BookingService
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid

MAX_DAYS: Final = 31
MAX_DAYS_EXPLAINED: Final = 7
_YEARS_EXPLAINED: Final = 100  # farther away, a zone's offset may lead out of the years that Python counts


class AvailabilityService:
    def __init__(self, barbers: BarberService, bookings: BookingService, clock: Clock) -> None:
        self._barbers, self._bookings, self._clock = barbers, bookings, clock

    async def slots(self, barber_id: UUID, query: SlotQuery) -> SlotsOut:
        """Every start that could be booked now; raises NotFound, or Invalid naming what is wrong in the query."""
        _check_dates(query)
        barber = await self._barbers.find(barber_id)
        services = chosen_services(barber, query.service_ids, query.add_on_ids)
        way = _way(barber, query)
        now = self._clock()
        taken = await self._bookings.occupied(barber_id, *ticks_around(query.first, query.last, now))
        calendar, visit = lay_out(barber, services, now, taken, way)
        days = [
            DaySlots(day, [SlotOut(slot.start, slot.end) for slot in slots])
            for day, slots in free_slots(calendar, query.first, query.last, visit)
        ]
        return SlotsOut(barber.timezone, _explained(calendar, visit, days, query) if query.explain else days)

    async def slots_of(
        self, wanted: Sequence[tuple[Barber, Sequence[ChosenService]]], first: date, last: date
    ) -> list[tuple[Barber, list[tuple[date, list[Slot]]]]]:
        """The same of many barbers, each for services of their own, by one query; dates are each one's local ones."""
        now = self._clock()
        taken = await self._bookings.occupied_by([barber.id for barber, _ in wanted], *ticks_around(first, last, now))
        found = []
        for barber, services in wanted:
            calendar, visit = lay_out(barber, services, now, taken.get(barber.id, frozenset()))
            found.append((barber, free_slots(calendar, first, last, visit)))
            await asyncio.sleep(0)  # other requests have their turns meanwhile
        return found

    async def free_between(
        self, barber_ids: Sequence[UUID], start: datetime, end: datetime, service_id: UUID | None
    ) -> frozenset[UUID]:
        """Those who could be booked now for a visit that lies wholly between two aware moments, buffers aside.

        The visit is for the service, or for the shortest that each barber offers; who does not offer it, or is not
        there, is not free. Two queries at most, however many barbers there are.
        """
        barbers = await self._barbers.find_many(barber_ids)
        wanted = [(barber, service) for barber in barbers if (service := _shortest(barber, service_id))]
        if not wanted:
            return frozenset()
        asked = [(rules_for(one.rules, [service]), visit_for(one.rules, [service])) for one, service in wanted]
        held = occupiable(asked, start, end)
        taken = await self._bookings.occupied_by([barber.id for barber, _ in wanted], held.start, held.end)
        now = self._clock()
        free: set[UUID] = set()
        for barber, service in wanted:
            calendar, visit = lay_out(barber, [service], now, taken.get(barber.id, frozenset()))
            if first_slot_between(calendar, start, end, visit):
                free.add(barber.id)
            await asyncio.sleep(0)  # a long window takes a while for many: other requests have their turns meanwhile
        return frozenset(free)


def ticks_around(first: date, last: date, now: datetime) -> tuple[int, int]:
    """The ticks that `free_slots` must know of; no more than the farthest horizon, however far the dates reach."""
    earliest = max(first, now.date() - timedelta(days=2)) - timedelta(days=1)
    latest = min(last, now.date() + timedelta(days=368)) + timedelta(days=3)
    begin, end = (datetime.combine(day, time(), UTC) for day in (earliest, latest))
    return tick_of(begin), tick_of(end)


def _check_dates(query: SlotQuery) -> None:
    most = MAX_DAYS_EXPLAINED if query.explain else MAX_DAYS
    if not 1 <= (query.last - query.first).days + 1 <= most:
        raise Invalid("to", f"must be on or after `from` and at most {most} dates in all")
    if query.at and not query.explain:
        raise Invalid("at", "is of use with `explain` only")


def _way(barber: Barber, query: SlotQuery) -> Way:
    if query.lat is None and query.lng is None:
        return NO_WAY
    if query.lat is None or query.lng is None:
        raise Invalid("lng" if query.lng is None else "lat", "is needed beside the other")
    return way_to(barber, to_point(LatLng(query.lat, query.lng)), "lat")


def _explained(calendar: Calendar, visit: Visit, days: list[DaySlots], query: SlotQuery) -> list[DaySlots]:
    refused = {day.date: refusals(calendar, day.date, visit) for day in days}
    if query.at:
        at = to_utc(query.at, "at")
        on = calendar.date_of(tick_of(at)) if abs(at.year - calendar.now.year) <= _YEARS_EXPLAINED else None
        if on not in refused:
            raise Invalid("at", "must lie on one of the dates asked for")
        if why := obstacle(calendar, at, visit):
            refused[on] = sorted({*refused[on], Refused(at, why)})
    return [DaySlots(day.date, day.slots, [_refused_out(one) for one in refused[day.date]]) for day in days]


def _refused_out(refused: Refused) -> RefusedOut:
    return RefusedOut(refused.start, refused.why.value, refused.why.sentence)


def _shortest(barber: Barber, service_id: UUID | None) -> ChosenService | None:
    """The service, or the shortest of all; None where it is not offered."""
    offers = (offer for offer in barber.services if service_id in (None, offer.service_id))
    shortest = min(offers, key=lambda offer: offer.duration_min, default=None)
    return ChosenService(shortest) if shortest else None
