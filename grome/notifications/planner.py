"""From events to the people who are told of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from grome.bookings.models import Party
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event, EventType
from grome.notifications.models import MessageKind, Notification

NOTIFY: Final = JobKind("notify", Queue.DEFAULT, 30, (2, 10, 60, 300, 1800))


class Planner:
    """Follows events. One job for each event, kind of message and person, under an id that follows from the three."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def handle(self, events: Sequence[Event]) -> None:
        await self._jobs.add(
            *notification_jobs(notification for event in events for notification in plan_notifications(event))
        )


def notification_jobs(notifications: Iterable[Notification]) -> list[NewJob]:
    return [NewJob(notification.job_id, NOTIFY, msgspec.to_builtins(notification)) for notification in notifications]


def plan_notifications(event: Event) -> Iterator[Notification]:
    """Who is told what. Of a booking and its review, `event.people` are the customer and the barber, in this order."""
    for kind, user_id in _kinds_and_readers(event):
        yield Notification(
            event_id=event.id,
            kind=kind,
            user_id=user_id,
            subject_id=event.subject_id,
            at=event.at,
            version=event.version,
        )


def _kinds_and_readers(event: Event) -> list[tuple[MessageKind, UUID]]:
    """Kinds and readers."""
    if event.type in _ACCOUNT_KINDS:
        return [(_ACCOUNT_KINDS[event.type], user_id) for user_id in event.people]
    *customer, barber_id = event.people
    if event.family == "review":
        return _review_kinds_and_readers(event, customer[0], barber_id)
    return (
        _booking_kinds_and_readers(event, customer[0], barber_id) if customer else []
    )  # barbers write guests down themselves


def _review_kinds_and_readers(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    match event.type:
        case EventType.REVIEW_POSTED:
            return [(MessageKind.REVIEW_POSTED, barber_id)]
        case EventType.REVIEW_ANSWERED:
            return [(MessageKind.REVIEW_ANSWERED, customer_id)]
        case _:
            return []


def _booking_kinds_and_readers(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    ids = {Party.CUSTOMER: customer_id, Party.BARBER: barber_id}
    return [
        (told.kind, ids[party])
        for told in _BOOKING_AUDIENCES.get(event.type, ())
        for party in ids
        if party in told.always or (party in told.unless_actor and ids[party] != event.actor_id)
    ]


class _Audience(NamedTuple):
    """Nobody is told of what they did themselves, but for what they want in writing."""

    kind: MessageKind
    always: tuple[Party, ...] = ()
    unless_actor: tuple[Party, ...] = ()


_CUSTOMER, _BARBER, _BOTH = (Party.CUSTOMER,), (Party.BARBER,), (Party.CUSTOMER, Party.BARBER)
_BOOKING_AUDIENCES: Final = {
    # For the customer, it is the record of what was asked.
    EventType.BOOKING_REQUESTED: [_Audience(MessageKind.BOOKING_REQUESTED, always=_BOTH)],
    # A barber who takes bookings unasked has to hear of them.
    EventType.BOOKING_ACCEPTED: [_Audience(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER, unless_actor=_BARBER)],
    EventType.BOOKING_DECLINED: [_Audience(MessageKind.BOOKING_DECLINED, unless_actor=_CUSTOMER)],
    # Whoever cancels too late has to be told the fee.
    EventType.BOOKING_CANCELLED: [_Audience(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER, unless_actor=_BARBER)],
    EventType.BOOKING_EXPIRED: [_Audience(MessageKind.BOOKING_CANCELLED, always=_BOTH)],
    EventType.BOOKING_NO_SHOW: [_Audience(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER)],
    # The visit stands, against what the customer was told before. Nobody was told of a start.
    EventType.BOOKING_NO_SHOW_UNDONE: [_Audience(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER)],
    EventType.BOOKING_COMPLETED: [
        _Audience(MessageKind.RECEIPT, always=_CUSTOMER),
        _Audience(MessageKind.REVIEW_REQUEST, always=_CUSTOMER),
    ],
    EventType.BOOKING_OFFERED: [_Audience(MessageKind.BOOKING_OFFERED, always=_CUSTOMER)],
    EventType.BOOKING_DELAYED: [_Audience(MessageKind.BOOKING_DELAYED, always=_CUSTOMER)],
    EventType.BOOKING_RESCHEDULED: [_Audience(MessageKind.BOOKING_CHANGED, unless_actor=_BOTH)],
    EventType.BOOKING_TIME_PROPOSED: [_Audience(MessageKind.BOOKING_TIME_PROPOSED, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_REJECTED: [_Audience(MessageKind.BOOKING_TIME_KEPT, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_WITHDRAWN: [_Audience(MessageKind.BOOKING_TIME_KEPT, unless_actor=_BOTH)],
    EventType.BOOKING_PROPOSAL_LAPSED: [_Audience(MessageKind.BOOKING_TIME_KEPT, always=_BOTH)],
    EventType.BOOKING_TIPPED: [_Audience(MessageKind.BOOKING_TIPPED, always=_BARBER)],
}
_ACCOUNT_KINDS: Final = {
    EventType.ACCOUNT_REGISTERED: MessageKind.WELCOME,
    EventType.ACCOUNT_NEW_DEVICE: MessageKind.NEW_DEVICE,
    EventType.ACCOUNT_SESSION_REUSED: MessageKind.SESSION_ENDED,
}
