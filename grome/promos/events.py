"""Derive the events of promos from their outbox entries, and describe their changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Change, ChangedValue, Event
from grome.promos.models import PromoEntry

_MAX_TEXT: Final = 1_000


def promo_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of an outbox entry. Raises msgspec.ValidationError if the entry cannot be read."""
    entry = msgspec.convert(stored, PromoEntry)
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=document["_id"],
        version=entry.version,
        people=(),
        actor_id=entry.actor_id,
        origin=entry.origin,
        changes=entry.changes,
    )


def promo_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changed fields; a list of ids becomes one text."""
    return tuple(
        Change(name, _value(before.get(name)), _value(after[name])) for name in after if before.get(name) != after[name]
    )


def _value(value: Any) -> ChangedValue:  # noqa: ANN401 -- of any field of a promo
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text[:_MAX_TEXT]
