"""Derive the events of findings, which the audit trail records."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event, MovedMoney
from grome.reconciliation.models import FindingEntry


def finding_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an entry of a finding. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, FindingEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(),
        actor_id=entry.actor_id,
        origin=entry.origin,
        money=MovedMoney(entry.amount, entry.currency),
        reason=entry.note,
    )
