"""Derive events from changed documents, by the mappers that the features provide. No I/O."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from grome.infrastructure.isolated_items import map_each
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import OUTBOXES, ChangeRecord, Event

# From an outbox entry as stored, and the ids of its document, to the event.
EventMapper = Callable[[Any, Document], Event]


class Projection:
    """Maps the new outbox entries of a change to events; `mappers` holds one mapper for each collection in `OUTBOXES`.

    An entry that cannot be read, such as an entry with an action of a later release, is skipped and counted.
    """

    def __init__(self, mappers: Mapping[str, EventMapper]) -> None:
        if mappers.keys() != OUTBOXES.keys():
            raise ValueError(f"mappers for {sorted(mappers)}, but outboxes in {sorted(OUTBOXES)}")
        self._mappers = mappers

    def events_of(self, change: ChangeRecord) -> list[Event]:
        """Return the events of the change in the order of their versions."""
        if change.collection not in OUTBOXES:
            return []
        event_of, document = self._mappers[change.collection], change.document
        events = map_each(_new_entries(change), lambda entry: event_of(entry, document), name="relay")
        return sorted(events, key=lambda event: event.version)

    def events_since(self, change: ChangeRecord, since: datetime) -> list[Event]:
        """Return the events of the change at or after `since`."""
        return [event for event in self.events_of(change) if event.at >= since]


def _new_entries(change: ChangeRecord) -> list[Any]:
    """Return the entries that the write added: by paths such as `history.2`, or all if it set the whole array."""
    outbox = OUTBOXES[change.collection]
    if change.updated is None:
        whole = change.document.get(outbox)
    elif outbox in change.updated:
        whole = change.updated[outbox]
    else:
        # A deeper path, such as `history.2.note`, changes an entry that is not new.
        whole = [value for path, value in change.updated.items() if path.rpartition(".")[0] == outbox]
    if whole is None:
        return []
    return whole if isinstance(whole, list) else [whole]
