"""Load a barber's queue, and estimate the starts of its visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from grome.barbers.calendar_builder import build_calendar
from grome.barbers.models import Barber
from grome.barbers.service import try_choose_services
from grome.bookings.models import Action, Booking, Party, find_newest_entry
from grome.bookings.queries import BookingQueries
from grome.bookings.windows import SEAT_AFTER_JOINING
from grome.common.clock import Clock
from grome.common.figures import duration_of
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import Calendar
from grome.scheduling.ticks import TICKS_A_DAY, moment_of, tick_of
from grome.scheduling.visit_plan import VisitPlan, rules_for
from grome.walk_ins.estimates import MeasuredVisit, duration_at_pace, estimated_starts, overrun_span, pace_of
from grome.walk_ins.models import MAX_QUEUE_LENGTH, WalkIn
from grome.walk_ins.repository import WalkInRepository

_PACE_SAMPLE_SIZE: Final = 50
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """The waiting walk-ins with their estimated starts; a preview of joining has one more start."""

    day: date
    pace: float
    waiting: list[WalkIn]
    starts: list[datetime | None]


class QueueLoader:
    def __init__(self, walk_ins: WalkInRepository, bookings: BookingQueries, clock: Clock) -> None:
        self._walk_ins, self._bookings, self._clock = walk_ins, bookings, clock

    async def load(self, barber: Barber, joining: Sequence[ChosenService] = ()) -> Queue:
        """Return the queue of the present opening, or else of today, with four queries.

        With `joining` there is one estimate more than walk-ins.
        """
        now = self._clock()
        days = queue_dates(barber, now)
        waiting = await self._walk_ins.list_waiting({barber.id: days}, now - SEAT_AFTER_JOINING, MAX_QUEUE_LENGTH)
        # Openings that began today or yesterday end within two days.
        taken = await self._bookings.get_occupied_ticks(barber.id, tick_of(now), tick_of(now) + 2 * TICKS_A_DAY)
        completed = await self._bookings.list_last_completed(barber.id, _PACE_SAMPLE_SIZE)
        pace = pace_of([_measure(visit) for visit in completed if _is_measured(visit)])
        for visit in await self._bookings.list_in_progress(barber.id, now - timedelta(days=1)):
            taken |= set(
                range(*overrun_span(_time_of(visit, Action.START), (visit.scheduled_at, visit.ends_at), pace, now))
            )
        requested = [try_choose_services(barber, walk_in.service_ids, walk_in.add_on_ids) for walk_in in waiting]
        if joining:
            requested.append(list(joining))
        return Queue(days[-1], pace, waiting, _estimate_starts(barber, requested, pace, taken, now))


def _is_measured(visit: Booking) -> bool:
    """Return whether the barber ended the visit; if Grome did, much later, the duration is not the real one."""
    return all(entry.by is not Party.SYSTEM for entry in visit.history if entry.action is Action.COMPLETE)


def _measure(visit: Booking) -> MeasuredVisit:
    actual = _time_of(visit, Action.COMPLETE) - _time_of(visit, Action.START)
    return MeasuredVisit((visit.ends_at - visit.scheduled_at) / _MINUTE, actual / _MINUTE)


def _time_of(visit: Booking, action: Action) -> datetime:
    """Return the time at which the visit began or ended; the planned time if the history lacks it."""
    planned = visit.ends_at if action is Action.COMPLETE else visit.scheduled_at
    entry = find_newest_entry(visit, action)  # a start may have been undone before
    return entry.at if entry else planned


def _estimate_starts(
    barber: Barber, requested: Sequence[list[ChosenService]], pace: float, taken: frozenset[int], now: datetime
) -> list[datetime | None]:
    possible = [services for services in requested if services]
    if not possible:
        return [None] * len(requested)
    calendar = build_calendar(barber, rules_for(barber.rules, possible[0]), now, taken)
    visits = [VisitPlan(duration_at_pace(duration_of(services), pace)) for services in possible]
    found = iter(estimated_starts(calendar, visits, now, _closing_time(calendar, now)))
    return [next(found) if services else None for services in requested]


def queue_dates(barber: Barber, now: datetime) -> list[date]:
    """Return the dates of the barber's present queue."""
    return _queue_dates(build_calendar(barber, barber.rules, now))


def _queue_dates(calendar: Calendar) -> list[date]:
    """Return the dates of the present queue; new places get the last date.

    The last date is the date on which the present opening began. If that opening follows another without a break, the
    places of the opening before are still in the queue.
    """
    day = calendar.day_of_opening(tick_of(calendar.now))
    before = day - timedelta(days=1)
    present = calendar.opening_on(day)
    goes_on = present and tick_of(calendar.now) >= present.hours.start and _is_contiguous(calendar, before, day)
    return [before, day] if goes_on else [day]


def _closing_time(calendar: Calendar, now: datetime) -> datetime:
    """Return the end of the openings of the present queue; `now` if the barber is closed.

    If another opening follows without a break, return the end of that opening.
    """
    days = _queue_dates(calendar)
    after = days[-1] + timedelta(days=1)
    if _is_contiguous(calendar, days[-1], after):
        days.append(after)
    openings = (calendar.opening_on(day) for day in days)
    return max([now, *(moment_of(opening.hours.end) for opening in openings if opening)])


def _is_contiguous(calendar: Calendar, before: date, day: date) -> bool:
    first, second = calendar.opening_on(before), calendar.opening_on(day)
    return bool(first and second and first.hours.end >= second.hours.start)
