"""Derive the events of a payment from its history entries."""

from typing import Any

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event, MovedMoney
from grome.payments.models import PaymentEntry


def payment_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a history entry. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, PaymentEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(document["customer_id"], document["barber_id"]),
        actor_id=entry.actor_id,
        origin=entry.origin,
        money=MovedMoney(entry.amount, entry.currency) if entry.amount else None,
        reason=entry.note,
    )
