"""Manage the exceptions to a barber's weekly hours: overrides for dates, time off, public holidays."""

from bisect import insort
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.errors import ProfileMissing, TooManyScheduleExceptions
from grome.barbers.models import MAX_OVERRIDES, MAX_TIME_OFF, Barber, ScheduleExceptions
from grome.barbers.repository import BarberRepository
from grome.barbers.schemas import OpeningsOut, TimeOffIn
from grome.barbers.service import BarberService
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid, NotFound, Unavailable
from grome.common.ids import new_id
from grome.common.input_faults import refusal_of
from grome.scheduling.holidays import find_unknown_field
from grome.scheduling.models import DateOverride, DayHours, HolidayCalendar, TimeOff, day_validation_errors

# Past exceptions are dropped with the next change, but not before their bookings are history.
_RETENTION: Final = timedelta(days=31)
_ATTEMPTS: Final = 8


class ScheduleExceptionService:
    """Writes each change as one guarded write of all openings, and retries after a concurrent change."""

    def __init__(self, repository: BarberRepository, barbers: BarberService, clock: Clock) -> None:
        self._repository, self._barbers, self._clock = repository, barbers, clock

    async def read(self, actor: Actor) -> OpeningsOut:
        return _openings_out((await self._own(actor)).openings)

    async def put_override(self, actor: Actor, day: date, hours: DayHours | None) -> OpeningsOut:
        """Raises Invalid for each break that does not fit the hours."""
        if hours and (wrong := [(f"hours.{path}", message) for path, message in day_validation_errors(hours)]):
            raise refusal_of(wrong)
        new = DateOverride(day, hours)

        def change(now: ScheduleExceptions) -> ScheduleExceptions:
            others = [override for override in now.overrides if override.date != day]
            insort(others, new, key=lambda override: override.date)
            return msgspec.structs.replace(now, overrides=others)

        return await self._change(actor, change)

    async def remove_override(self, actor: Actor, day: date) -> OpeningsOut:
        """Raises NotFound if the date has no override."""

        def change(now: ScheduleExceptions) -> ScheduleExceptions:
            others = [override for override in now.overrides if override.date != day]
            if len(others) == len(now.overrides):
                raise NotFound
            return msgspec.structs.replace(now, overrides=others)

        return await self._change(actor, change)

    async def add_time_off(self, actor: Actor, wanted: TimeOffIn) -> TimeOff:
        """Raises Invalid if the end is not after the start or is in the past."""
        starts_at, ends_at = to_utc(wanted.starts_at, "starts_at"), to_utc(wanted.ends_at, "ends_at")
        if ends_at <= starts_at:
            raise Invalid("ends_at", "must be after `starts_at`")
        if ends_at <= self._clock():
            raise Invalid("ends_at", "must be in the future")
        new = TimeOff(new_id(), starts_at, ends_at, wanted.note)

        def change(now: ScheduleExceptions) -> ScheduleExceptions:
            time_off = list(now.time_off)
            insort(time_off, new, key=lambda off: off.starts_at)
            return msgspec.structs.replace(now, time_off=time_off)

        await self._change(actor, change)
        return new

    async def remove_time_off(self, actor: Actor, time_off_id: UUID) -> None:
        """Raises NotFound if the actor has no such time off."""

        def change(now: ScheduleExceptions) -> ScheduleExceptions:
            others = [off for off in now.time_off if off.id != time_off_id]
            if len(others) == len(now.time_off):
                raise NotFound
            return msgspec.structs.replace(now, time_off=others)

        await self._change(actor, change)

    async def put_holidays(self, actor: Actor, holidays: HolidayCalendar | None) -> OpeningsOut:
        """Raises Invalid for a country or subdivision without known holidays."""
        if holidays and (field := find_unknown_field(holidays)):
            raise Invalid(f"holidays.{field}", "has no known public holidays")
        return await self._change(actor, lambda now: msgspec.structs.replace(now, holidays=holidays))

    async def _change(self, actor: Actor, change: Callable[[ScheduleExceptions], ScheduleExceptions]) -> OpeningsOut:
        for _ in range(_ATTEMPTS):
            barber = await self._own(actor)
            wanted = self._without_past(change(barber.openings))
            if len(wanted.overrides) > MAX_OVERRIDES or len(wanted.time_off) > MAX_TIME_OFF:
                raise TooManyScheduleExceptions
            if changed := await self._repository.update_if_version(barber, {"openings": wanted}, self._clock()):
                await self._barbers.publish(changed)
                return _openings_out(changed.openings)
        raise Unavailable("The profile is being changed concurrently; try again.")

    async def _own(self, actor: Actor) -> Barber:
        barber = await self._repository.find(actor.id)
        if barber is None:
            raise ProfileMissing
        return barber

    def _without_past(self, openings: ScheduleExceptions) -> ScheduleExceptions:
        since = self._clock() - _RETENTION
        return msgspec.structs.replace(
            openings,
            overrides=[override for override in openings.overrides if override.date >= since.date()],
            time_off=[off for off in openings.time_off if off.ends_at >= since],
        )


def _openings_out(openings: ScheduleExceptions) -> OpeningsOut:
    return OpeningsOut(openings.overrides, openings.time_off, openings.holidays)
