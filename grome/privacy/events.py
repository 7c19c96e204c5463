"""Derive the events of exports from their outbox."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event, EventType
from grome.privacy.models import ExportEvent


def export_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event about the account. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, ExportEvent)
    user_id = document["user_id"]
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=user_id,
        version=int(entry.at.timestamp() * 1000),
        people=(user_id,),
        actor_id=user_id if entry.type is EventType.ACCOUNT_EXPORT_REQUESTED else None,
        origin=entry.origin,
    )
