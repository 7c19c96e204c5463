"""Find the free starts of one barber for many waitlist entries."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.barbers.calendar_builder import build_calendar_and_visit
from grome.barbers.models import Barber
from grome.barbers.service import choose_services
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.common.errors import Invalid
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import Calendar, Slot, Unavailability, first_slot_between, required_span
from grome.scheduling.ticks import TICK, Span, moment_of, tick_of
from grome.scheduling.visit_plan import VisitPlan
from grome.waitlist.errors import WishCannotBeMet
from grome.waitlist.models import DateRange, WaitlistEntry

_DAY_MIN: Final = 24 * 60
_EMPTY: Final = Span(0, 0)


class FreeStarts:
    """The free starts of a barber. Taken ticks are read once for all entries, until `invalidate`."""

    def __init__(self, barber: Barber, bookings: BookingQueries, clock: Clock) -> None:
        self.barber = barber
        self._bookings, self._clock = bookings, clock
        self._taken: frozenset[int] = frozenset()
        self._taken_span = _EMPTY
        self._plans: dict[tuple[UUID, ...], tuple[Calendar, VisitPlan] | None] = {}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.barber.timezone)

    def offered_services(self, entry: WaitlistEntry) -> list[ChosenService]:
        """Return the entry's services as the barber offers them; [] if the barber does not offer all of them."""
        try:
            return choose_services(self.barber, entry.service_ids)
        except Invalid:
            return []

    def invalidate(self) -> None:
        """Drop the taken ticks that were read, because a time was taken."""
        self._taken, self._taken_span = frozenset(), _EMPTY
        self._plans.clear()

    def find_obstacle(self, entry: WaitlistEntry) -> WishCannotBeMet | None:
        """Return the reason why no visit fits into the entry's window, even if nothing were taken; else None."""
        plan = self._plan(entry)
        if plan is None:
            return WishCannotBeMet("service_ids", "not_offered", "The barber does not offer all of this.")
        calendar, visit = plan
        if first_slot_between(calendar, *entry.window, visit):
            return None
        if entry.latest - entry.earliest < timedelta(minutes=visit.duration_min):
            return WishCannotBeMet("latest", "too_short", f"The visit takes {visit.duration_min} minutes.")
        last_start = entry.latest - timedelta(minutes=visit.duration_min)
        if tick_of(last_start) < calendar.bookable.start:
            return WishCannotBeMet("latest", Unavailability.TOO_SOON.value, Unavailability.TOO_SOON.sentence)
        if tick_of(entry.earliest) >= calendar.bookable.end:
            return WishCannotBeMet(
                "earliest", Unavailability.BEYOND_HORIZON.value, Unavailability.BEYOND_HORIZON.sentence
            )
        closed = "The barber has no hours from `earliest` to `latest` in which the whole visit fits."
        return WishCannotBeMet("earliest", Unavailability.CLOSED.value, closed)

    async def find_first(
        self, entry: WaitlistEntry, dates: DateRange | None = None, excluded: Collection[datetime] = ()
    ) -> Slot | None:
        """Return the first free start within the entry's window and `dates` that the customer has not passed.

        The starts in `without` do not count as free. Returns None if no start is free.
        """
        passed = {slot.start for slot in entry.passed if slot.barber_id == self.barber.id}.union(excluded)
        plan = self._plan(entry)
        if plan is None:
            return None
        calendar, visit = plan
        starts = _candidate_starts(calendar, visit, entry, dates)
        if starts.start >= starts.end:
            return None
        calendar = await self._with_taken_ticks(entry, calendar, visit, starts)
        begin, end = moment_of(starts.start), moment_of(starts.end - 1) + timedelta(minutes=visit.duration_min)
        while slot := first_slot_between(calendar, begin, end, visit):
            if slot.start not in passed:
                return slot
            begin = slot.start + TICK
        return None

    def _plan(self, entry: WaitlistEntry) -> tuple[Calendar, VisitPlan] | None:
        service_ids = tuple(entry.service_ids)
        if service_ids not in self._plans:
            services = self.offered_services(entry)
            now = self._clock()
            self._plans[service_ids] = (
                build_calendar_and_visit(self.barber, services, now, frozenset()) if services else None
            )
        return self._plans[service_ids]

    async def _with_taken_ticks(
        self, entry: WaitlistEntry, calendar: Calendar, visit: VisitPlan, starts: Span
    ) -> Calendar:
        needed = required_span(calendar, visit, starts)
        if needed.start < self._taken_span.start or self._taken_span.end < needed.end:
            both = Span(
                min(needed.start, self._taken_span.start or needed.start), max(needed.end, self._taken_span.end)
            )
            self._taken = await self._bookings.get_occupied_ticks(self.barber.id, *both)
            self._taken_span = both
        if calendar.taken is not self._taken:
            calendar = replace(calendar, taken=self._taken)
            self._plans[tuple(entry.service_ids)] = calendar, visit  # keeps its masks for the next entry
        return calendar


def _candidate_starts(calendar: Calendar, visit: VisitPlan, entry: WaitlistEntry, dates: DateRange | None) -> Span:
    """Return the starts within the entry's window from which the visit takes place on the dates, at least in part."""
    within = calendar.starts_between(*entry.window, visit)
    if dates is None:
        return within
    first = dates.first - timedelta(days=visit.duration_min // _DAY_MIN)
    on_dates = calendar.starts_on(first, dates.last)
    return Span(max(within.start, on_dates.start), min(within.end, on_dates.end))
