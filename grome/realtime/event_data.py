"""Build the events of rooms from the relay's events, with the data that all subscribers of a room may see."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from grome.infrastructure.outbox.models import Event
from grome.realtime.models import RoomEvent


class EventBody(Struct, frozen=True):
    """The event in a frame. `data` has fields of the subject as of the event, none if the subject is gone."""

    id: UUID
    type: str
    at: datetime
    subject: UUID
    version: int
    data: msgspec.Raw


_NO_DATA: Final = msgspec.Raw(b"{}")
_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode


class EventData:
    """Loads the subjects of a batch of events by one query for each family."""

    async def load(self, events: Sequence[Event]) -> list[RoomEvent]:
        """Return each event once for each of its rooms, in the order of the events."""
        return [room_event for event in events for room_event in _room_events(event, _NO_DATA)]


def _room_events(event: Event, data: msgspec.Raw) -> list[RoomEvent]:
    body = EventBody(event.id, event.type.value, event.at, event.subject_id, event.version, data)
    payload, counted_as = _encode(body), _counted_as(event)
    return [RoomEvent(room, event.people, counted_as, event.version, event.at, payload) for room in _rooms_of(event)]


def _rooms_of(event: Event) -> list[str]:
    """Return the rooms of the event: the booking's, also for a review, the shop's, and one per person concerned."""
    own = [f"booking:{event.subject_id}"] if event.family in {"booking", "review"} else []
    shop = [f"shop:{event.people[-1]}"] if event.family == "booking" else []
    return own + shop + [f"user:{person}" for person in event.people]


def _counted_as(event: Event) -> str:
    """Return the name under which the versions of the event's subject are counted.

    A review has its booking's id, and a payout account the barber's; both have versions of their own.
    """
    return f"{event.subject_id}:{event.family}"
