"""Turn events, and changes of barbers, into jobs that fill free time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import to_builtins

from grome.common.clock import Clock
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import BARBERS, ChangeRecord, Event, EventType
from grome.waitlist.models import FreedTimeSearch

WAITLIST_JOB: Final = JobKind("waitlist", Queue.URGENT, 30, (1, 5, 30, 120))
# Changes of a barber within this time share one job, which runs at its end.
_COALESCE_SECONDS: Final = 3
# Events that may free time, close a proposal, or answer an offer.
_HANDLED_EVENTS: Final = frozenset(
    {
        EventType.BOOKING_ACCEPTED,
        EventType.BOOKING_STARTED,
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_EXPIRED,
        EventType.BOOKING_NO_SHOW,
        EventType.BOOKING_COMPLETED,
        EventType.BOOKING_DELAYED,
        EventType.BOOKING_RESCHEDULED,
        EventType.BOOKING_TIME_PROPOSED,
        EventType.BOOKING_PROPOSAL_REJECTED,
        EventType.BOOKING_PROPOSAL_WITHDRAWN,
        EventType.BOOKING_PROPOSAL_LAPSED,
    }
)
# Fields of a barber that decide the bookable time, or the areas that reach the barber; not the online switch.
_BOOKABILITY_FIELDS: Final = frozenset({"services", "availability", "openings", "rules", "timezone", "location"})


class WaitlistSubscriber:
    """Adds waitlist jobs for events and changes. Adding a job again has no effect, so redelivery is harmless."""

    def __init__(self, jobs: JobQueue, clock: Clock) -> None:
        self._jobs, self._clock = jobs, clock

    async def handle(self, events: Sequence[Event]) -> None:
        await self._jobs.add(
            *(
                NewJob(f"{event.id}:waitlist", WAITLIST_JOB, {"event": to_builtins(event)})
                for event in events
                if event.type in _HANDLED_EVENTS
            )
        )

    async def follow_changes(self, changes: Sequence[ChangeRecord]) -> None:
        """Add a search of all bookable time for each barber with changed hours, rules and the like."""
        barbers = {change.document["_id"] for change in changes if _affects_bookable_time(change)}
        await self._jobs.add(*(self._search_job(barber_id) for barber_id in barbers))

    def _search_job(self, barber_id: UUID) -> NewJob:
        number = int(self._clock().timestamp()) // _COALESCE_SECONDS + 1
        due_at = datetime.fromtimestamp(number * _COALESCE_SECONDS, UTC)
        return NewJob(
            f"{barber_id}:waitlist:{number}", WAITLIST_JOB, payload_of(FreedTimeSearch(barber_id=barber_id)), due_at
        )


def payload_of(search: FreedTimeSearch) -> dict[str, object]:
    return {"search": to_builtins(search)}


def _affects_bookable_time(change: ChangeRecord) -> bool:
    if change.collection != BARBERS:
        return False
    return change.updated is None or any(path.partition(".")[0] in _BOOKABILITY_FIELDS for path in change.updated)
