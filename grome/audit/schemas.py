"""Define the request and responses about the audit trail."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.clock import Instant
from grome.infrastructure.http import PageQuery
from grome.infrastructure.outbox.models import Change, EventType, MovedMoney


class AuditQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters the audit trail; all given conditions hold. `person_id` is an account that the event concerns."""

    subject_id: UUID | None = None
    actor_id: UUID | None = None
    person_id: UUID | None = None
    type: EventType | None = None
    since: Annotated[Instant | None, Meta(description="Events at this time or later.")] = None
    until: Annotated[Instant | None, Meta(description="Events before this time.")] = None


class OriginOut(Struct, frozen=True):
    """Names the request that caused an event. `country` is that of `address`, if known.

    `address` is null if the actor's account was deleted.
    """

    request_id: str
    session_id: UUID | None
    address: str | None
    country: str | None


class RecordOut(Struct, frozen=True, kw_only=True):
    """Describes an audited event. `actor_id` is null for an action of Grome itself.

    `reason` is given by the actor or the bank. Of a payment or a payout, `money` is the amount that the event is about;
    `kept_before` and `kept_after` are the money of the payment that was collected and not given back. `changes` are
    fields with their values before and after; personal values are null if the account was deleted. `recorded_at` is
    null for events from before the trail was chained.
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
    origin: OriginOut | None
    changes: list[Change]
    recorded_at: datetime | None


class AuditPage(Struct, frozen=True):
    """Holds a page of the audit trail, latest first."""

    items: list[RecordOut]
    next_cursor: str | None
