"""Find the free times of barbers by the rules of the scheduling engine and the existing bookings."""

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
from grome.common.input_faults import refusal_of
from grome.scheduling.explain import RejectedStart, explain_day
from grome.scheduling.offers import ChosenService
from grome.scheduling.schemas import MAX_DAYS, DaySlots, RefusedOut, SlotOut, SlotsOut
from grome.scheduling.slots import Calendar, Slot, first_slot_between, free_slots, reason_unavailable, required_span
from grome.scheduling.ticks import Span, tick_of
from grome.scheduling.visit_plan import VisitPlan

MAX_DAYS_EXPLAINED: Final = 7
_MAX_YEARS_EXPLAINED: Final = 100  # beyond, converting to a local date may overflow Python's calendar


class _Candidate(NamedTuple):
    barber: Barber
    calendar: Calendar
    visit: VisitPlan


class AvailabilityService:
    def __init__(self, barbers: BarberService, bookings: BookingQueries, clock: Clock) -> None:
        self._barbers, self._bookings, self._clock = barbers, bookings, clock

    async def list_slots(self, barber_id: UUID, query: SlotQuery) -> SlotsOut:
        """List every start that can be booked now. Raises NotFound, or Invalid for the faulty field of the query."""
        _check_dates(query)
        barber = await self._barbers.get_approved(barber_id)
        services = choose_services(barber, query.service_ids, query.add_on_ids)
        calendar, visit = build_calendar_and_visit(barber, services, self._clock(), frozenset(), _travel(barber, query))
        required = required_span(calendar, visit, calendar.starts_on(query.first, query.last))
        calendar = replace(calendar, taken=await self._bookings.get_occupied_ticks(barber_id, *required))
        days = [
            DaySlots(day, [SlotOut(slot.start, slot.end) for slot in slots])
            for day, slots in free_slots(calendar, query.first, query.last, visit)
        ]
        return SlotsOut(barber.timezone, _with_rejections(calendar, visit, days, query) if query.explain else days)

    async def list_slots_by_barber(
        self, wanted: Sequence[tuple[Barber, Sequence[ChosenService]]], first: date, last: date
    ) -> list[tuple[Barber, list[tuple[date, list[Slot]]]]]:
        """List the free slots of many barbers with one query, each for separate services and on its local dates."""
        candidates = self._build_candidates(wanted)
        starts = [calendar.starts_on(first, last) for _, calendar, _ in candidates]
        found = []
        async for barber, calendar, visit in self._iter_with_taken(candidates, starts):
            found.append((barber, free_slots(calendar, first, last, visit)))
        return found

    async def find_free_barbers(
        self, barber_ids: Sequence[UUID], start: datetime, end: datetime, service_id: UUID | None
    ) -> frozenset[UUID]:
        """Return the barbers with a free slot wholly between two aware moments, without buffers.

        The visit is for the service, or for the shortest service of each barber. A barber that does not exist, is
        not approved or does not offer the service is not free. It takes at most two queries for any number of barbers.
        """
        barbers = await self._barbers.list_by_ids(barber_ids)
        candidates = self._build_candidates(
            [
                (barber, [service])
                for barber in barbers
                if barber.is_approved and (service := _find_shortest(barber, service_id))
            ]
        )
        starts = [calendar.starts_between(start, end, visit) for _, calendar, visit in candidates]
        free: set[UUID] = set()
        async for barber, calendar, visit in self._iter_with_taken(candidates, starts):
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
        self, candidates: Sequence[_Candidate], starts: Sequence[Span]
    ) -> AsyncIterator[_Candidate]:
        """Yield each candidate with the occupied ticks in its calendar.

        One query reads the ticks of all calendars; without starts there is no query.
        """
        spans = [required_span(each.calendar, each.visit, span) for each, span in zip(candidates, starts, strict=True)]
        required = [span for span in spans if span.start < span.end]
        taken: dict[UUID, frozenset[int]] = {}
        if required:
            barber_ids = [candidate.barber.id for candidate in candidates]
            begin, end = min(span.start for span in required), max(span.end for span in required)
            taken = await self._bookings.get_occupied_ticks_by_barber(barber_ids, begin, end)
        for candidate in candidates:
            calendar = replace(candidate.calendar, taken=taken.get(candidate.barber.id, frozenset()))
            yield candidate._replace(calendar=calendar)
            await asyncio.sleep(0)  # many long spans take a while, so let other requests run in between


def _check_dates(query: SlotQuery) -> None:
    limit = MAX_DAYS_EXPLAINED if query.explain else MAX_DAYS
    faults = []
    if not 1 <= (query.last - query.first).days + 1 <= limit:
        faults.append(("to", f"must be on or after `from` and at most {limit} dates in all"))
    if query.at and not query.explain:
        faults.append(("at", "requires `explain`"))
    if faults:
        raise refusal_of(faults)


def _travel(barber: Barber, query: SlotQuery) -> Travel:
    if query.lat is None and query.lng is None:
        return NO_TRAVEL
    if query.lat is None or query.lng is None:
        raise Invalid("lng" if query.lng is None else "lat", "is required together with the other coordinate")
    return travel_to(barber, to_point(LatLng(query.lat, query.lng)), "lat")


def _with_rejections(calendar: Calendar, visit: VisitPlan, days: list[DaySlots], query: SlotQuery) -> list[DaySlots]:
    rejected = {day.date: explain_day(calendar, day.date, visit) for day in days}
    if query.at:
        at = to_utc(query.at, "at")
        day = calendar.date_of(tick_of(at)) if abs(at.year - calendar.now.year) <= _MAX_YEARS_EXPLAINED else None
        if day not in rejected:
            raise Invalid("at", "must lie on one of the requested dates")
        if reason := reason_unavailable(calendar, at, visit):
            rejected[day] = sorted({*rejected[day], RejectedStart(at, reason)})
    return [DaySlots(day.date, day.slots, [_refused_out(each) for each in rejected[day.date]]) for day in days]


def _refused_out(rejected: RejectedStart) -> RefusedOut:
    return RefusedOut(rejected.start, rejected.reason.value, rejected.reason.sentence)


def _find_shortest(barber: Barber, service_id: UUID | None) -> ChosenService | None:
    """Return the barber's service with this id, or the shortest service without an id; None if there is none."""
    offers = (offer for offer in barber.services if service_id in (None, offer.service_id))
    shortest = min(offers, key=lambda offer: offer.duration_min, default=None)
    return ChosenService(shortest) if shortest else None
