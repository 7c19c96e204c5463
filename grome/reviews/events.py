"""Derive the events of a review from its outbox entries."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event
from grome.reviews.models import ReviewEvent


def review_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an outbox entry; its subject is the booking.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, ReviewEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(document["customer_id"], document["barber_id"]),
        actor_id=entry.actor_id,
        origin=entry.origin,
    )
