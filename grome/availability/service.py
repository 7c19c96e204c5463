"""Find the free times of barbers, by the rules of `slots.py` and the existing bookings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from grome.availability.schemas import SlotQuery
from grome.barbers.calendar_builder import NO_TRAVEL, Travel, build_calendar_and_visit, travel_to
from grome.barbers.models import Barber
from grome.barbers.service import BarberService, choose_services
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid
from grome.common.geo import LatLng, to_point
from grome.scheduling.explain import RejectedStart, explain_day
from grome.scheduling.offers import ChosenService
from grome.scheduling.schemas import MAX_DAYS, DaySlots, RefusedOut, SlotOut, SlotsOut
from grome.scheduling.slots import Calendar, Slot, first_slot_between, free_slots, reason_unavailable, required_span
from grome.scheduling.ticks import Span, tick_of
from grome.scheduling.visit_plan import VisitPlan

MAX_DAYS_EXPLAINED: Final = 7
_MAX_YEARS_EXPLAINED: Final = 100  # farther away, a zone's offset may lead out of the years that Python counts


class _Candidate(NamedTuple):
    barber: Barber
    calendar: Calendar
    visit: VisitPlan


class AvailabilityService:
    def __init__(self, barbers: BarberService, bookings: BookingQueries, clock: Clock) -> None:
        self._barbers, self._bookings, self._clock = barbers, bookings, clock

    async def list_slots(self, barber_id: UUID, query: SlotQuery) -> SlotsOut:
        """List every start that could be booked now. Raises NotFound, or Invalid naming the fault in the query."""
        _check_dates(query)
        barber = await self._barbers.get(barber_id)
        services = choose_services(barber, query.service_ids, query.add_on_ids)
        calendar, visit = build_calendar_and_visit(barber, services, self._clock(), frozenset(), _travel(barber, query))
        known = required_span(calendar, visit, calendar.starts_on(query.first, query.last))
        calendar = replace(calendar, taken=await self._bookings.get_occupied_ticks(barber_id, *known))
        days = [
            DaySlots(day, [SlotOut(slot.start, slot.end) for slot in slots])
            for day, slots in free_slots(calendar, query.first, query.last, visit)
        ]
        return SlotsOut(barber.timezone, _with_rejections(calendar, visit, days, query) if query.explain else days)

    async def list_slots_by_barber(
        self, wanted: Sequence[tuple[Barber, Sequence[ChosenService]]], first: date, last: date
    ) -> list[tuple[Barber, list[tuple[date, list[Slot]]]]]:
        """The same of many barbers, each for services of their own, by one query; dates are each one's local ones."""
        laid_out = self._build_candidates(wanted)
        starts = [calendar.starts_on(first, last) for _, calendar, _ in laid_out]
        found = []
        async for barber, calendar, visit in self._iter_with_taken(laid_out, starts):
            found.append((barber, free_slots(calendar, first, last, visit)))
        return found

    async def find_free_barbers(
        self, barber_ids: Sequence[UUID], start: datetime, end: datetime, service_id: UUID | None
    ) -> frozenset[UUID]:
        """Return the barbers that could be booked now for a visit wholly between two aware moments, buffers aside.

        The visit is for the service, or for the shortest service of each barber. A barber that does not exist or does
        not offer the service is not free. Two queries at most, regardless of the number of barbers.
        """
        barbers = await self._barbers.list_by_ids(barber_ids)
        laid_out = self._build_candidates(
            [(one, [service]) for one in barbers if (service := _find_shortest(one, service_id))]
        )
        starts = [calendar.starts_between(start, end, visit) for _, calendar, visit in laid_out]
        free: set[UUID] = set()
        async for barber, calendar, visit in self._iter_with_taken(laid_out, starts):
            if first_slot_between(calendar, start, end, visit):
                free.add(barber.id)
        return frozenset(free)

    def _build_candidates(self, wanted: Sequence[tuple[Barber, Sequence[ChosenService]]]) -> list[_Candidate]:
        now = self._clock()
        return [
            _Candidate(barber, *build_calendar_and_visit(barber, services, now, frozenset()))
            for barber, services in wanted
        ]

    async def _iter_with_taken(
        self, laid_out: Sequence[_Candidate], starts: Sequence[Span]
    ) -> AsyncIterator[_Candidate]:
        """Yield each calendar with the occupied ticks for its starts.

        The ticks of all calendars are read by one query, or by none if there are no starts.
        """
        each = [required_span(one.calendar, one.visit, span) for one, span in zip(laid_out, starts, strict=True)]
        known = [span for span in each if span.start < span.end]
        taken: dict[UUID, frozenset[int]] = {}
        if known:
            begin, end = min(span.start for span in known), max(span.end for span in known)
            taken = await self._bookings.get_occupied_ticks_by_barber([one.barber.id for one in laid_out], begin, end)
        for one in laid_out:
            calendar = replace(one.calendar, taken=taken.get(one.barber.id, frozenset()))
            yield one._replace(calendar=calendar)
            await asyncio.sleep(0)  # a long span takes a while for many: other requests have their turns meanwhile


def _check_dates(query: SlotQuery) -> None:
    most = MAX_DAYS_EXPLAINED if query.explain else MAX_DAYS
    if not 1 <= (query.last - query.first).days + 1 <= most:
        raise Invalid("to", f"must be on or after `from` and at most {most} dates in all")
    if query.at and not query.explain:
        raise Invalid("at", "is of use with `explain` only")


def _travel(barber: Barber, query: SlotQuery) -> Travel:
    if query.lat is None and query.lng is None:
        return NO_TRAVEL
    if query.lat is None or query.lng is None:
        raise Invalid("lng" if query.lng is None else "lat", "is needed beside the other")
    return travel_to(barber, to_point(LatLng(query.lat, query.lng)), "lat")


def _with_rejections(calendar: Calendar, visit: VisitPlan, days: list[DaySlots], query: SlotQuery) -> list[DaySlots]:
    refused = {day.date: explain_day(calendar, day.date, visit) for day in days}
    if query.at:
        at = to_utc(query.at, "at")
        on = calendar.date_of(tick_of(at)) if abs(at.year - calendar.now.year) <= _MAX_YEARS_EXPLAINED else None
        if on not in refused:
            raise Invalid("at", "must lie on one of the dates asked for")
        if why := reason_unavailable(calendar, at, visit):
            refused[on] = sorted({*refused[on], RejectedStart(at, why)})
    return [DaySlots(day.date, day.slots, [_refused_out(one) for one in refused[day.date]]) for day in days]


def _refused_out(refused: RejectedStart) -> RefusedOut:
    return RefusedOut(refused.start, refused.reason.value, refused.reason.sentence)


def _find_shortest(barber: Barber, service_id: UUID | None) -> ChosenService | None:
    """The service, or the shortest of all; None where it is not offered."""
    offers = (offer for offer in barber.services if service_id in (None, offer.service_id))
    shortest = min(offers, key=lambda offer: offer.duration_min, default=None)
    return ChosenService(shortest) if shortest else None
