"""Findings of reconciliation on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import NOTE
from grome.infrastructure.http import PageQuery
from grome.reconciliation.models import MAX_TEXT, Finding, FindingKind


class FindingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Literal["open", "resolved"] = "open"
    kind: FindingKind | None = None


class ResolveIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason for the history and the audit trail."""

    reason: Annotated[str, Meta(min_length=3, max_length=MAX_TEXT), NOTE]


class FindingOut(Struct, frozen=True):
    """A difference between Stripe and the ledger, or money that does not move on.

    `subject` is a balance transaction, an account of the ledger, a payment or a currency. `amount` is in minor units;
    a positive amount is a debit. Without `resolved_by`, a later run found the difference gone.
    """

    id: UUID
    kind: FindingKind
    subject: str
    amount: int
    currency: str
    objects: list[str]
    note: str
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None
    reason: str


class FindingPage(Struct, frozen=True):
    items: list[FindingOut]
    next_cursor: str | None


class RunOut(Struct, frozen=True):
    """The job that compares; read it at `/v1/admin/jobs/{job_id}`."""

    job_id: str


def finding_out(finding: Finding) -> FindingOut:
    return FindingOut(
        id=finding.id,
        kind=finding.kind,
        subject=finding.subject,
        amount=finding.amount,
        currency=finding.currency,
        objects=finding.objects,
        note=finding.note,
        first_seen=finding.first_seen,
        last_seen=finding.last_seen,
        resolved_at=finding.resolved_at,
        resolved_by=finding.resolved_by,
        reason=finding.reason,
    )
