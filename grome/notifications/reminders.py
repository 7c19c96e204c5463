"""Plan reminders of bookings before their start."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from grome.bookings.models import UpcomingBooking
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.infrastructure.isolated_items import for_batch
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.notifications.channel_rules import MIN_LEAD_TIME
from grome.notifications.models import MessageKind, Notification
from grome.notifications.planner import notification_jobs
from grome.notifications.repository import ReminderMarks

# Overlap between two runs, for bookings written during the previous run and for clocks that differ.
_OVERLAP: Final = timedelta(minutes=5)
_PAGE_SIZE: Final = 500


class Reminders:
    """Plans reminders to customers of accepted bookings.

    A stored mark holds the time until which reminders were planned: a pause of the workers delays reminders and loses
    none.
    """

    def __init__(self, bookings: BookingQueries, marks: ReminderMarks, jobs: JobQueue, clock: Clock) -> None:
        self._bookings, self._marks, self._jobs, self._clock = bookings, marks, jobs, clock

    async def plan_due(self) -> int:
        """Add the jobs of all reminders that became due since the last run; return their number.

        Job ids follow from the booking and its start: a repeated run adds no second job, and a rescheduled booking gets
        a new reminder.
        """
        now = self._clock()
        done_until = await self._marks.find()
        planned = 0
        for hours, least_left in MIN_LEAD_TIME.items():
            earliest = now + least_left
            if done_until:
                earliest = max(earliest, done_until - _OVERLAP + timedelta(hours=hours))
            async for page in self._pages(earliest, now + timedelta(hours=hours)):
                new = notification_jobs(build_reminder(booking, hours, now) for booking in page)
                planned += (await for_batch(new, self._add, name="plan_reminders")).done
        await self._marks.put(now)
        return planned

    async def _add(self, new: Sequence[NewJob]) -> None:
        await self._jobs.add(*new)

    async def _pages(self, start: datetime, end: datetime) -> AsyncIterator[list[UpcomingBooking]]:
        after = None
        while page := await self._bookings.list_accepted_between(start, end, after, _PAGE_SIZE):
            yield page
            after = page[-1]


def build_reminder(booking: UpcomingBooking, hours: int, now: datetime) -> Notification:
    """Build the notification of a reminder.

    A reminder has no event, so its id derives from booking, hours and start.
    """
    return Notification(
        event_id=uuid5(NAMESPACE_URL, f"{booking.id}:{hours}:{booking.scheduled_at.isoformat()}"),
        kind=MessageKind.BOOKING_REMINDER,
        user_id=booking.customer_id,
        subject_id=booking.id,
        at=now,
        version=0,
        hours_before=hours,
        starts_at=booking.scheduled_at,
    )
