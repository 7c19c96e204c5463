"""From events to the people who are told of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

import msgspec

from grome.events.models import Event, EventType
from grome.jobs.models import JobKind, NewJob, Queue
from grome.jobs.service import Jobs
from grome.notifications.models import MessageKind, Notice

TELL: Final = JobKind("notify", Queue.DEFAULT, 30, (2, 10, 60, 300, 1800))


class Planner:
    """Follows events. One job for each event, kind of message and person, under an id that follows from the three."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def follow(self, events: Sequence[Event]) -> None:
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
    """Nobody is told of what they did themselves, but for what they want in writing."""
    others = [user_id for user_id in event.people if user_id != event.actor_id]
    match event.type:
        case EventType.BOOKING_REQUESTED:  # for the customer, it is the record of what was asked
            return [(MessageKind.BOOKING_REQUESTED, user_id) for user_id in (barber_id, customer_id)]
        case EventType.BOOKING_ACCEPTED:  # a barber who takes bookings unasked has to hear of them
            told = others if event.actor_id == barber_id else [customer_id, barber_id]
            return [(MessageKind.BOOKING_ACCEPTED, user_id) for user_id in told]
        case EventType.BOOKING_DECLINED:
            return [(MessageKind.BOOKING_DECLINED, customer_id)] if customer_id in others else []
        case EventType.BOOKING_CANCELLED | EventType.BOOKING_EXPIRED | EventType.BOOKING_NO_SHOW:
            return [(MessageKind.BOOKING_CANCELLED, user_id) for user_id in others]
        case EventType.BOOKING_COMPLETED:
            return [(MessageKind.RECEIPT, customer_id), (MessageKind.REVIEW_REQUEST, customer_id)]
        case _:
            return []


_OF_ACCOUNTS: Final = {
    EventType.ACCOUNT_REGISTERED: MessageKind.WELCOME,
    EventType.ACCOUNT_NEW_DEVICE: MessageKind.NEW_DEVICE,
}
