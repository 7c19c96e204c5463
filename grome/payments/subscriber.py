"""Turn events of bookings and payments into jobs that settle the payments of a booking."""

from collections.abc import Sequence
from typing import Final

from grome.bookings.cancellation_policy import UNDO_AFTER_MOVE
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event, EventType

SETTLE_PAYMENTS: Final = JobKind("settle_payments", Queue.URGENT, 60, (2, 10, 30, 120, 600, 3_600, 6 * 3_600))
# Events after which money may have to be charged, captured, released or given back.
_BOOKING_EVENTS: Final = frozenset(
    {
        EventType.BOOKING_ACCEPTED,
        EventType.BOOKING_COMPLETED,
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_EXPIRED,
        EventType.BOOKING_NO_SHOW,
        EventType.BOOKING_RESCHEDULED,
    }
)
_PAYMENT_EVENTS: Final = frozenset(
    {
        EventType.PAYMENT_AUTHORIZED,
        EventType.PAYMENT_SCHEDULED,
        EventType.PAYMENT_PAID,
        EventType.PAYMENT_REFUND_STARTED,
        EventType.PAYMENT_REFUND_FAILED,
        EventType.PAYMENT_DISPUTE_CLOSED,
    }
)
_HANDLED_EVENTS: Final = _BOOKING_EVENTS | _PAYMENT_EVENTS


class SettlementSubscriber:
    """Adds one job for each event. Adding a job again has no effect, so redelivery is harmless."""

    def __init__(self, jobs: JobQueue, *, payments_on: bool) -> None:
        self._jobs, self._payments_on = jobs, payments_on

    async def handle(self, events: Sequence[Event]) -> None:
        if self._payments_on:
            await self._jobs.add(
                *(_job_of(event) for event in events if event.type in _BOOKING_EVENTS | _PAYMENT_EVENTS)
            )


def _job_of(event: Event) -> NewJob:
    """Return the job; after a no-show it runs when the no-show can no longer be undone."""
    field = "booking_id" if event.family == "booking" else "payment_id"
    due_at = event.at + UNDO_AFTER_MOVE if event.type is EventType.BOOKING_NO_SHOW else None
    return NewJob(f"{event.id}:settle", SETTLE_PAYMENTS, {field: str(event.subject_id)}, due_at)
