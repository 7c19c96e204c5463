"""Derive the events of a booking from its history entries."""

from typing import Any, Final

import msgspec

from grome.bookings.models import Action, HistoryEntry, Status
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event, EventType

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
    Action.PAY: EventType.BOOKING_PAYMENT_CHANGED,
    Action.SET_OUT: EventType.BOOKING_ON_THE_WAY,
    Action.TURN_BACK: EventType.BOOKING_ON_THE_WAY_ENDED,
    Action.ARRIVE: EventType.BOOKING_ARRIVED,
}


def booking_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a history entry. A guest's booking concerns its barber only.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, HistoryEntry)
    return Event(
        id=entry.id,
        type=_type_of(entry),
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=tuple(person for person in (document["customer_id"], document["barber_id"]) if person),
        actor_id=entry.actor_id,
        origin=entry.origin,
        changes=entry.changes,
    )


def _type_of(entry: HistoryEntry) -> EventType:
    """Return the type. If a customer accepts an offer that the barber must answer, the barber gets a request."""
    if entry.action is Action.UNDO:
        return EventType.BOOKING_START_UNDONE if entry.undoes is Action.START else EventType.BOOKING_NO_SHOW_UNDONE
    is_request = entry.action is Action.ACCEPT and entry.status is Status.REQUESTED
    return EventType.BOOKING_REQUESTED if is_request else _TYPES[entry.action]
