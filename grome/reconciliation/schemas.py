"""Findings of reconciliation on the wire."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor, PageQuery
from grome.reconciliation.models import MAX_TEXT, Finding, FindingKind

_REASON: Final = "Stripe's fee was corrected by hand in the ledger."


class FindingQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: Literal["open", "resolved"] = "open"
    """Open findings need an admin; resolved findings are kept for half a year."""
    kind: FindingKind | None = None
    """Only findings of this kind."""


class ResolveIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason for the history and the audit trail."""

    reason: Annotated[str, Meta(min_length=3, max_length=MAX_TEXT, examples=[_REASON]), NOTE]
    """For the history of the finding and the audit trail."""


class FindingOut(Struct, frozen=True):
    """A difference between Stripe and the ledger, or money that does not move on."""

    id: UUID
    """Id of the finding; the path parameter `finding_id`."""
    kind: FindingKind
    """Decides the meaning of `subject` and `amount`."""
    subject: Annotated[str, Meta(examples=["txn_example"])]
    """Id of a balance transaction of Stripe or a payment, an account of the ledger, or a currency."""
    amount: int
    """Difference or stuck money in minor units; positive is a debit."""
    currency: str
    """ISO 4217 code of `amount`."""
    objects: list[Annotated[str, Meta(examples=["ch_example"])]]
    """Ids of related objects, in the ledger, at Stripe or in Grome."""
    note: Annotated[str, Meta(examples=["charge of 2026-11-29 14:05 UTC, fee 58."])]
    """Details in English for the admin."""
    first_seen: datetime
    """Time of the run that found it first."""
    last_seen: datetime
    """Time of the latest run that found it."""
    resolved_at: datetime | None
    """Time at which it was resolved; null while open."""
    resolved_by: UUID | None
    """Account id of the admin; null while open, and if a later run found the difference gone."""
    reason: Annotated[str, Meta(examples=[_REASON])]
    """Reason that the admin gave; empty otherwise."""


class FindingPage(Struct, frozen=True):
    """Holds a page of findings, newest first."""

    items: list[FindingOut]
    """Findings with the requested status, newest first."""
    next_cursor: NextCursor


class RunOut(Struct, frozen=True):
    """The job that compares; read it at `/v1/admin/jobs/{job_id}`."""

    job_id: Annotated[str, Meta(examples=["reconcile:202611300815"])]
    """Read the job's progress at `/v1/admin/jobs/{job_id}`."""


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
