"""Define the audit trail: the events, their authors and the accounts concerned. Records are never removed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Struct, field

from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType


class AuditRecord(Struct, frozen=True, kw_only=True):
    """Records an event under its own id. `actor_id` is None for an action of Grome itself."""

    id: UUID = field(name="_id")
    type: EventType
    subject_id: UUID
    version: int
    people: Annotated[list[UUID], stored_items(at_most=10)]
    actor_id: UUID | None
    at: datetime
