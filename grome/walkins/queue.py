"""A barber's queue as it stands, with estimates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from grome.availability.calendars import lay_out
from grome.availability.slots import Calendar
from grome.availability.ticks import TICKS_A_DAY, moment_of, tick_of
from grome.availability.visits import Visit
from grome.barbers.models import Barber, ChosenService
from grome.barbers.service import chosen_services
from grome.bookings.models import Action, Booking
from grome.bookings.service import BookingService
from grome.common.clock import Clock
from grome.common.errors import Invalid
from grome.walkins.estimates import Duration, at_pace, overrun, pace_of, turns
from grome.walkins.models import MOST_IN_QUEUE, WalkIn
from grome.walkins.repository import WalkInRepository

_KNOWN_VISITS: Final = 50
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """Who waits, and when each can be expected to sit down; one start more where somebody asked about joining."""

    day: date
    pace: float
    waiting: list[WalkIn]
    starts: list[datetime | None]


class Queues:
    def __init__(self, walk_ins: WalkInRepository, bookings: BookingService, clock: Clock) -> None:
        self._walk_ins, self._bookings, self._clock = walk_ins, bookings, clock

    async def of(self, barber: Barber, joining: Sequence[ChosenService] = ()) -> Queue:
        """Today's; four queries. With `joining` there is one estimate more than people."""
        now = self._clock()
        today = now.astimezone(ZoneInfo(barber.timezone)).date()
        waiting = await self._walk_ins.queue(barber.id, today, MOST_IN_QUEUE)
        # What began today or yesterday has ended by then.
        taken = await self._bookings.occupied(barber.id, tick_of(now), tick_of(now) + 2 * TICKS_A_DAY)
        pace = pace_of([_duration(visit) for visit in await self._bookings.last_completed(barber.id, _KNOWN_VISITS)])
        for visit in await self._bookings.going_on(barber.id, now - timedelta(days=1)):
            taken |= set(range(*overrun(_at(visit, Action.START), visit.ends_at, pace, now)))
        wanted = [_services(barber, one) for one in waiting] + ([list(joining)] if joining else [])
        return Queue(today, pace, waiting, _starts(barber, wanted, pace, taken, now))


def _duration(visit: Booking) -> Duration:
    actual = _at(visit, Action.COMPLETE) - _at(visit, Action.START)
    return Duration((visit.ends_at - visit.scheduled_at) / _MINUTE, actual / _MINUTE)


def _at(visit: Booking, action: Action) -> datetime:
    """When it began or ended; as planned, should its history not know."""
    planned = visit.ends_at if action is Action.COMPLETE else visit.scheduled_at
    return next((entry.at for entry in visit.history if entry.action is action), planned)


def _services(barber: Barber, walk_in: WalkIn) -> list[ChosenService]:
    """None of them where the barber does not offer all of them any more."""
    try:
        return chosen_services(barber, walk_in.service_ids, walk_in.add_on_ids)
    except Invalid:
        return []


def _starts(
    barber: Barber, wanted: Sequence[list[ChosenService]], pace: float, taken: frozenset[int], now: datetime
) -> list[datetime | None]:
    possible = [services for services in wanted if services]
    if not possible:
        return [None] * len(wanted)
    calendar, _ = lay_out(barber, possible[0], now, taken)
    minutes = (sum(one.duration_min for one in services) for services in possible)
    visits = [Visit(at_pace(planned, pace)) for planned in minutes]
    found = iter(turns(calendar, visits, now, _closing(calendar, now)))
    return [next(found) if services else None for services in wanted]


def _closing(calendar: Calendar, now: datetime) -> datetime:
    """The end of today's opening, or of yesterday's where it goes on; `now` where it is closed."""
    openings = (calendar.opening(day) for day in (calendar.today - timedelta(days=1), calendar.today))
    return max([now, *(moment_of(opening.hours.end) for opening in openings if opening)])
