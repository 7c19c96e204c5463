"""Which events a stored change tells of. No I/O.

An entry that cannot be read, such as one of an action that a later release has, is passed over.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from grome.accounts.models import AccountEvent
from grome.bookings.models import Action, HistoryEntry, Status
from grome.infrastructure.isolated_items import map_each
from grome.infrastructure.outbox.models import BOOKINGS, OUTBOXES, REVIEWS, USERS, Change, Event, EventType
from grome.reviews.models import ReviewEvent

_TYPES: Final = {
    Action.CREATE: EventType.BOOKING_REQUESTED,
    Action.ACCEPT: EventType.BOOKING_ACCEPTED,
    Action.DECLINE: EventType.BOOKING_DECLINED,
    Action.START: EventType.BOOKING_STARTED,
    Action.COMPLETE: EventType.BOOKING_COMPLETED,
    Action.CANCEL: EventType.BOOKING_CANCELLED,
    Action.EXPIRE: EventType.BOOKING_EXPIRED,
    Action.OFFER: EventType.BOOKING_OFFERED,
    Action.NO_SHOW: EventType.BOOKING_NO_SHOW,
    Action.RESCHEDULE: EventType.BOOKING_RESCHEDULED,
    Action.PROPOSE: EventType.BOOKING_TIME_PROPOSED,
    Action.REJECT: EventType.BOOKING_PROPOSAL_REJECTED,
    Action.WITHDRAW: EventType.BOOKING_PROPOSAL_WITHDRAWN,
    Action.LAPSE: EventType.BOOKING_PROPOSAL_LAPSED,
    Action.DELAY: EventType.BOOKING_DELAYED,
    Action.TIP: EventType.BOOKING_TIPPED,
    Action.NOTE: EventType.BOOKING_NOTED,
}


_NAME: Final = "relay"  # under which failed items are counted


def events_of(change: Change) -> list[Event]:
    """In the order of their versions."""
    if change.collection not in OUTBOXES:
        return []
    entries, document = _new_entries(change), change.document
    if change.collection == BOOKINGS:
        people = tuple(person for person in (document["customer_id"], document["barber_id"]) if person)
        events = map_each(entries, lambda entry: _of_booking(entry, document["_id"], people), name=_NAME)
    elif change.collection == REVIEWS:
        people = document["customer_id"], document["barber_id"]
        events = map_each(entries, lambda entry: _of_review(entry, document["_id"], people), name=_NAME)
    else:
        user_id = document["_id" if change.collection == USERS else "user_id"]
        events = map_each(entries, lambda entry: _of_account(entry, user_id), name=_NAME)
    return sorted(events, key=_by_version)


def events_since(change: Change, since: datetime) -> list[Event]:
    """All that a whole document tells of, from a moment on."""
    return [event for event in events_of(change) if event.at >= since]


def _new_entries(change: Change) -> list[Any]:
    """Added to an array they come one by one, as `history.2`; after a write of the whole, all of them."""
    outbox = OUTBOXES[change.collection]
    if change.updated is None:
        whole = change.document.get(outbox)
    elif outbox in change.updated:
        whole = change.updated[outbox]
    else:
        # Deeper paths, such as `history.2.note`, change an entry of which was told before.
        whole = [value for path, value in change.updated.items() if path.rpartition(".")[0] == outbox]
    if whole is None:
        return []
    return whole if isinstance(whole, list) else [whole]


def _of_booking(entry: Any, booking_id: UUID, people: tuple[UUID, ...]) -> Event:  # noqa: ANN401 -- BSON
    told = msgspec.convert(entry, HistoryEntry)
    return Event(
        id=told.id,
        type=_type_of(told),
        at=told.at,
        subject_id=booking_id,
        version=told.version,
        people=people,
        actor_id=told.actor_id,
    )


def _type_of(told: HistoryEntry) -> EventType:
    """A customer's yes to an offer may leave a request, which the barber hears of as of any other."""
    if told.action is Action.UNDO:
        return EventType.BOOKING_START_UNDONE if told.undoes is Action.START else EventType.BOOKING_NO_SHOW_UNDONE
    is_request = told.action is Action.ACCEPT and told.status is Status.REQUESTED
    return EventType.BOOKING_REQUESTED if is_request else _TYPES[told.action]


def _of_review(entry: Any, booking_id: UUID, people: tuple[UUID, ...]) -> Event:  # noqa: ANN401 -- BSON
    told = msgspec.convert(entry, ReviewEvent)
    return Event(
        id=told.id,
        type=told.type,
        at=told.at,
        subject_id=booking_id,
        version=told.version,
        people=people,
        actor_id=told.actor_id,
    )


def _of_account(entry: Any, user_id: UUID) -> Event:  # noqa: ANN401 -- BSON
    """An account counts no versions; its events are told apart and ordered by their milliseconds."""
    told = msgspec.convert(entry, AccountEvent)
    version = int(told.at.timestamp() * 1000)
    return Event(
        id=told.id,
        type=told.type,
        at=told.at,
        subject_id=user_id,
        version=version,
        people=(user_id,),
        actor_id=user_id,
    )


def _by_version(event: Event) -> int:
    return event.version
