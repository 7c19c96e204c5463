"""The audit trail: what happened, who did it and whom it concerns. Nothing is ever taken from it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, field

from grome.events.models import EventType


class Record(Struct, frozen=True, kw_only=True):
    """An event, under its own id. `actor_id` is None for what Grome itself did."""

    id: UUID = field(name="_id")
    type: EventType
    subject_id: UUID
    version: int
    people: list[UUID]
    actor_id: UUID | None
    at: datetime
