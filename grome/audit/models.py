"""Define the audit trail: the events, their authors and the accounts concerned. Records are never removed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType, MovedMoney


class AuditRecord(Struct, frozen=True, kw_only=True):
    """Records an event under its own id. `actor_id` is None for an action of Grome itself.

    `reason` is given by the actor or the bank. Of a payment or a payout, `money` is the amount that the event is about.
    `kept_before` and `kept_after` are the money of the payment that was collected and not given back.
    """

    id: UUID = field(name="_id")
    type: EventType
    subject_id: UUID
    version: int
    people: Annotated[list[UUID], stored_items(at_most=10)]
    actor_id: UUID | None
    at: datetime
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    money: MovedMoney | None = None
    kept_before: int | None = None
    kept_after: int | None = None
