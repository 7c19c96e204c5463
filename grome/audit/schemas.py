"""Define the request and responses about the audit trail."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.http import PageQuery
from grome.infrastructure.outbox.models import EventType


class AuditQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    subject_id: UUID | None = None
    actor_id: UUID | None = None


class RecordOut(Struct, frozen=True):
    """Describes an audited event. `actor_id` is null for an action of Grome itself."""

    id: UUID
    type: EventType
    subject_id: UUID
    version: int
    people: list[UUID]
    actor_id: UUID | None
    at: datetime


class AuditPage(Struct, frozen=True):
    """Holds a page of the audit trail, latest first."""

    items: list[RecordOut]
    next_cursor: str | None
