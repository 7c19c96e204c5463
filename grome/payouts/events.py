"""Derive the events of payouts and of payout accounts from their outbox entries."""

from typing import Any, Final

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Change, Event, EventType
from grome.payouts.models import AccountEntry, PayoutEntry

_HOLD_CHANGES: Final = {
    EventType.PAYOUT_HELD: (Change("is_held", before=False, after=True),),
    EventType.PAYOUT_HOLD_ENDED: (Change("is_held", before=True, after=False),),
}


def payout_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an entry of a payout. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, PayoutEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(document["barber_id"],),
        actor_id=entry.actor_id,
        origin=entry.origin,
        money=entry.money,
        reason=entry.note,
    )


def payout_account_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an entry of a payout account; its subject is the barber.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, AccountEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(document["_id"],),
        changes=_HOLD_CHANGES.get(entry.type, ()),
        actor_id=entry.actor_id,
        origin=entry.origin,
        reason=entry.note,
    )
