"""Derive the events of a walk-in from its outbox entries."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event
from grome.walk_ins.models import WalkInEvent


def walk_in_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an outbox entry. A guest's walk-in concerns its barber only.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, WalkInEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=tuple(person for person in (document["customer_id"], document["barber_id"]) if person),
        actor_id=entry.actor_id,
    )
