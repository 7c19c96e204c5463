"""Derive the events of verifications from their history."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Change, Event
from grome.verification.models import VerificationEntry


def verification_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a change. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, VerificationEntry)
    notes = (Change("notes", None, entry.notes, is_personal=True),) if entry.notes else ()
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(document["_id"],),
        actor_id=entry.actor_id,
        origin=entry.origin,
        changes=(Change("status", entry.before.value, entry.after.value), *notes),
    )
