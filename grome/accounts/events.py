"""Derive the events of an account from the outbox entries of users and sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from grome.accounts.models import AccountEvent
from grome.common.ids import new_id
from grome.common.origin import origin_of_request
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Change, Event, EventType


def new_account_event(kind: EventType, at: datetime, *changes: Change) -> AccountEvent:
    """Create an outbox entry for an act of the account itself, in the present request if there is one."""
    return AccountEvent(new_id(), kind, at, origin=origin_of_request.get(), changes=changes)


def user_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a user's outbox entry. Raises msgspec.ValidationError if the entry cannot be read."""
    return _event_of(stored, document["_id"])


def session_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a session's notice. Raises msgspec.ValidationError if the notice cannot be read."""
    return _event_of(stored, document["user_id"])


def _event_of(stored: Any, user_id: UUID) -> Event:  # noqa: ANN401 -- BSON
    """Return the event; its version is the time in milliseconds, since an account has no version."""
    entry = msgspec.convert(stored, AccountEvent)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=entry.owner_id or user_id,
        version=int(entry.at.timestamp() * 1000),
        people=(entry.owner_id or user_id,),
        actor_id=entry.actor_id or (None if entry.owner_id else user_id),
        reason=entry.reason,
        origin=entry.origin,
        changes=entry.changes,
    )
