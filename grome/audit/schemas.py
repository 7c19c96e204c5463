"""Define the request and responses about the audit trail."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.accounts.schemas import CountryCode
from grome.common.clock import Instant
from grome.infrastructure.http import NextCursor, PageQuery
from grome.infrastructure.outbox.models import Change, EventType, MovedMoney


class AuditQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters the audit trail; all given conditions hold."""

    subject_id: UUID | None = None
    """Id of the object that changed, such as a booking, payment or account."""
    actor_id: UUID | None = None
    """Id of the account that acted."""
    person_id: UUID | None = None
    """Id of an account that the event concerns, as actor or otherwise."""
    type: EventType | None = None
    """Type of the event, as in webhooks."""
    since: Instant | None = None
    """Events at this time or later."""
    until: Instant | None = None
    """Events before this time."""


class OriginOut(Struct, frozen=True):
    """Names the request that caused an event."""

    request_id: Annotated[str, Meta(examples=["0193a1f27c3e7d21b5a04f6e9c8d7b10"])]
    """The `X-Request-ID` of the response, as in the log."""
    session_id: UUID | None
    """Login session of the actor; null for a request without an access token."""
    address: Annotated[str, Meta(examples=["203.0.113.7"])] | None
    """IP address of the client; null if unknown, expired, or once the actor's account was deleted."""
    address_expired: bool
    """Whether the event is older than addresses are kept."""
    country: CountryCode | None
    """ISO 3166 code of the country of the address; null if unknown."""


class RecordOut(Struct, frozen=True, kw_only=True):
    """Describes an audited event."""

    id: UUID
    """Id of the event, the same as in webhooks."""
    type: EventType
    """The kind of change."""
    subject_id: UUID
    """Id of the object that changed, such as the booking, payment or account."""
    version: int
    """Version of the object after the event."""
    people: list[UUID]
    """Ids of the accounts that the event concerns."""
    actor_id: UUID | None
    """Id of the account that acted; null for Grome itself."""
    at: datetime
    """Time of the event."""
    reason: Annotated[str, Meta(examples=["Customer asked for a new address."])]
    """Given by the actor or the bank; empty if there is none."""
    money: MovedMoney | None
    """Amount that the event is about; null unless it is about money."""
    kept_before: int | None
    """Minor units of the payment collected and not given back, before the event; null without a payment."""
    kept_after: int | None
    """The same after the event; null without a payment."""
    origin: OriginOut | None
    """Request that caused the event; null for events of Grome itself."""
    changes: list[Change]
    """Changed fields with their values before and after; personal values are null once the account was deleted."""
    recorded_at: datetime | None
    """Time at which the trail stored the event; null for events before the trail was chained."""


class AuditPage(Struct, frozen=True):
    """Holds a page of the audit trail, latest first."""

    items: list[RecordOut]
    """Latest event first."""
    next_cursor: NextCursor
