"""Which events a stored change tells of. No I/O."""

from datetime import datetime
from typing import Any, Final

import msgspec

from grome.bookings.models import Action, HistoryEntry
from grome.common.mongo import Document
from grome.events.models import BOOKINGS, Change, Event, EventType

_TYPES: Final = {
    Action.CREATE: EventType.BOOKING_REQUESTED,
    Action.ACCEPT: EventType.BOOKING_ACCEPTED,
    Action.DECLINE: EventType.BOOKING_DECLINED,
    Action.START: EventType.BOOKING_STARTED,
    Action.COMPLETE: EventType.BOOKING_COMPLETED,
    Action.CANCEL: EventType.BOOKING_CANCELLED,
    Action.EXPIRE: EventType.BOOKING_EXPIRED,
}


def events_of(change: Change) -> list[Event]:
    """In the order of their versions."""
    return _of_booking(change) if change.collection == BOOKINGS else []


def events_since(document: Document, since: datetime) -> list[Event]:
    """All that a booking tells of, from a moment on."""
    return [event for event in _of_booking(Change(BOOKINGS, document, None, since)) if event.at >= since]


def _of_booking(change: Change) -> list[Event]:
    booking = change.document
    entries = [msgspec.convert(entry, HistoryEntry) for entry in _new_entries(change)]
    people = (booking["customer_id"], booking["barber_id"])
    return [
        Event(
            id=entry.id,
            type=_TYPES[entry.action],
            at=entry.at,
            subject_id=booking["_id"],
            version=entry.version,
            people=people,
            actor_id=entry.actor_id,
        )
        for entry in sorted(entries, key=_by_version)
    ]


def _new_entries(change: Change) -> list[Any]:
    """Added to the array they come one by one, as `history.2`; after a write of the whole array, all of them."""
    if change.updated is None:
        return list(change.document["history"])
    if "history" in change.updated:
        return list(change.updated["history"])
    return [value for path, value in change.updated.items() if path.startswith("history.")]


def _by_version(entry: HistoryEntry) -> int:
    return entry.version
