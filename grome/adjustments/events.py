"""Derive the events of adjustments from their outbox entries."""

from typing import Any

import msgspec

from grome.adjustments.models import AdjustmentEntry
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event


def adjustment_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an adjustment. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, AdjustmentEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=1,
        people=(document["barber_id"],),
        actor_id=entry.actor_id,
        origin=entry.origin,
        money=entry.money,
        reason=entry.reason,
    )
