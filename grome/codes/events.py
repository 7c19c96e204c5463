"""Derive the events of codes from their outbox entries."""

from typing import Any

import msgspec

from grome.codes.models import CodeEvent
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import Event


def code_event(stored: Any, document: Document) -> Event:  # noqa: ANN401 -- BSON
    """Return the event of a requested code; its `item_id` is the code and its `reason` the purpose.

    Raises msgspec.ValidationError if the entry cannot be read.
    """
    entry = msgspec.convert(stored, CodeEvent)
    user_id = document["user_id"]
    return Event(
        id=entry.id,
        type=entry.type,
        at=entry.at,
        subject_id=user_id,
        version=int(entry.at.timestamp() * 1000),
        people=(user_id,),
        reason=entry.purpose,
        item_id=entry.code_id,
    )
