"""Derive events from the outbox entries of factors."""

from typing import Any

import msgspec

from grome.factors.models import FactorEvent
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event


def factor_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an entry; its subject is the account. Raises msgspec.ValidationError if it is unreadable."""
    entry = msgspec.convert(stored, FactorEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=int(entry.at.timestamp() * 1000),
        people=(document["_id"],),
        actor_id=entry.actor_id,
        reason=entry.factor,
        origin=entry.origin,
    )
