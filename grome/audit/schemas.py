"""Define the request and responses about the audit trail."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.http import PageQuery
from grome.infrastructure.outbox.models import EventType, MovedMoney


class AuditQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    subject_id: UUID | None = None
    actor_id: UUID | None = None


class RecordOut(Struct, frozen=True):
    """Describes an audited event. `actor_id` is null for an action of Grome itself.

    `reason` is given by the actor or the bank. Of a payment or a payout, `money` is the amount that the event is about;
    `kept_before` and `kept_after` are the money of the payment that was collected and not given back.
    """

    id: UUID
    type: EventType
    subject_id: UUID
    version: int
    people: list[UUID]
    actor_id: UUID | None
    at: datetime
    reason: str
    money: MovedMoney | None
    kept_before: int | None
    kept_after: int | None


class AuditPage(Struct, frozen=True):
    """Holds a page of the audit trail, latest first."""

    items: list[RecordOut]
    next_cursor: str | None
