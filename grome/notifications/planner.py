"""From events to the people who are told of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from grome.bookings.models import Party
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event, EventType
from grome.notifications.models import MessageKind, Notice

TELL: Final = JobKind("notify", Queue.DEFAULT, 30, (2, 10, 60, 300, 1800))


class Planner:
    """Follows events. One job for each event, kind of message and person, under an id that follows from the three."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def handle(self, events: Sequence[Event]) -> None:
        await self._jobs.add(*tell_jobs(notice for event in events for notice in plan(event)))


def tell_jobs(notices: Iterable[Notice]) -> list[NewJob]:
    return [NewJob(notice.job_id, TELL, msgspec.to_builtins(notice)) for notice in notices]


def plan(event: Event) -> Iterator[Notice]:
    """Who is told what. Of a booking and its review, `event.people` are the customer and the barber, in this order."""
    for kind, user_id in _told(event):
        yield Notice(
            event_id=event.id,
            kind=kind,
            user_id=user_id,
            subject_id=event.subject_id,
            at=event.at,
            version=event.version,
        )


def _told(event: Event) -> list[tuple[MessageKind, UUID]]:
    """Kinds and readers."""
    if event.type in _OF_ACCOUNTS:
        return [(_OF_ACCOUNTS[event.type], user_id) for user_id in event.people]
    *customer, barber_id = event.people
    if event.family == "review":
        return _told_of_review(event, customer[0], barber_id)
    return _told_of_booking(event, customer[0], barber_id) if customer else []  # barbers write guests down themselves


def _told_of_review(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    match event.type:
        case EventType.REVIEW_POSTED:
            return [(MessageKind.REVIEW_POSTED, barber_id)]
        case EventType.REVIEW_ANSWERED:
            return [(MessageKind.REVIEW_ANSWERED, customer_id)]
        case _:
            return []


def _told_of_booking(event: Event, customer_id: UUID, barber_id: UUID) -> list[tuple[MessageKind, UUID]]:
    ids = {Party.CUSTOMER: customer_id, Party.BARBER: barber_id}
    return [
        (told.kind, ids[party])
        for told in _OF_BOOKINGS.get(event.type, ())
        for party in ids
        if party in told.always or (party in told.unless_own and ids[party] != event.actor_id)
    ]


class _Told(NamedTuple):
    """Nobody is told of what they did themselves, but for what they want in writing."""

    kind: MessageKind
    always: tuple[Party, ...] = ()
    unless_own: tuple[Party, ...] = ()


_CUSTOMER, _BARBER, _BOTH = (Party.CUSTOMER,), (Party.BARBER,), (Party.CUSTOMER, Party.BARBER)
_OF_BOOKINGS: Final = {
    # For the customer, it is the record of what was asked.
    EventType.BOOKING_REQUESTED: [_Told(MessageKind.BOOKING_REQUESTED, always=_BOTH)],
    # A barber who takes bookings unasked has to hear of them.
    EventType.BOOKING_ACCEPTED: [_Told(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER, unless_own=_BARBER)],
    EventType.BOOKING_DECLINED: [_Told(MessageKind.BOOKING_DECLINED, unless_own=_CUSTOMER)],
    # Whoever cancels too late has to be told the fee.
    EventType.BOOKING_CANCELLED: [_Told(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER, unless_own=_BARBER)],
    EventType.BOOKING_EXPIRED: [_Told(MessageKind.BOOKING_CANCELLED, always=_BOTH)],
    EventType.BOOKING_NO_SHOW: [_Told(MessageKind.BOOKING_CANCELLED, always=_CUSTOMER)],
    # The visit stands, against what the customer was told before. Nobody was told of a start.
    EventType.BOOKING_NO_SHOW_UNDONE: [_Told(MessageKind.BOOKING_ACCEPTED, always=_CUSTOMER)],
    EventType.BOOKING_COMPLETED: [
        _Told(MessageKind.RECEIPT, always=_CUSTOMER),
        _Told(MessageKind.REVIEW_REQUEST, always=_CUSTOMER),
    ],
    EventType.BOOKING_OFFERED: [_Told(MessageKind.BOOKING_OFFERED, always=_CUSTOMER)],
    EventType.BOOKING_DELAYED: [_Told(MessageKind.BOOKING_DELAYED, always=_CUSTOMER)],
    EventType.BOOKING_RESCHEDULED: [_Told(MessageKind.BOOKING_CHANGED, unless_own=_BOTH)],
    EventType.BOOKING_TIME_PROPOSED: [_Told(MessageKind.BOOKING_TIME_PROPOSED, unless_own=_BOTH)],
    EventType.BOOKING_PROPOSAL_REJECTED: [_Told(MessageKind.BOOKING_TIME_KEPT, unless_own=_BOTH)],
    EventType.BOOKING_PROPOSAL_WITHDRAWN: [_Told(MessageKind.BOOKING_TIME_KEPT, unless_own=_BOTH)],
    EventType.BOOKING_PROPOSAL_LAPSED: [_Told(MessageKind.BOOKING_TIME_KEPT, always=_BOTH)],
    EventType.BOOKING_TIPPED: [_Told(MessageKind.BOOKING_TIPPED, always=_BARBER)],
}
_OF_ACCOUNTS: Final = {
    EventType.ACCOUNT_REGISTERED: MessageKind.WELCOME,
    EventType.ACCOUNT_NEW_DEVICE: MessageKind.NEW_DEVICE,
    EventType.ACCOUNT_SESSION_REUSED: MessageKind.SESSION_ENDED,
}
