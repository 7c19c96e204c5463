"""Derive the events of conversations from the outbox entries of messages, marks and reports."""

from typing import Any

import msgspec

from grome.chat.models import Mark, MessageEvent, ReportEvent
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event


def message_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a message's outbox entry; its subject is the booking.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, MessageEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["booking_id"],
        version=entry.version,
        people=(document["customer_id"], document["barber_id"]),
        actor_id=entry.actor_id,
        item_id=document["_id"],
    )


def mark_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a conversation's newest mark; its item is the message up to which the mark counts.

    Raises msgspec.ValidationError if the mark cannot be read.
    """
    mark = msgspec.convert(stored, Mark)
    return Event(
        id=mark.id,
        type=mark.type,
        at=mark.at,
        subject_id=document["_id"],
        version=mark.version,
        people=(document["customer_id"], document["barber_id"]),
        actor_id=mark.actor_id,
        item_id=mark.message_id,
    )


def report_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a resolved report, which concerns the platform only.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, ReportEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(),
        actor_id=entry.actor_id,
        reason=entry.reason,
        origin=entry.origin,
        item_id=document["message_id"],
    )
