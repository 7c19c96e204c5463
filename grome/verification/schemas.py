"""Define the bodies of requests and responses about verifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.models import Approval
from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor, PageQuery
from grome.verification.models import MAX_CERTIFICATES, MAX_NOTES_LENGTH, State, Verification

_NOTES: Final = "The photo of the document is blurred; please send it again."
Notes = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_NOTES_LENGTH,
        description="For the barber, who gets them by mail.",
        examples=[_NOTES],
    ),
    NOTE,
]
Version = Annotated[
    int,
    Meta(ge=0, le=2**31 - 1, description="The version that you have read; any other version stays as it is."),
]


class VerificationIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names your uploads with the purpose `verification`: an identity document, and certificates of your trade."""

    id_doc: UUID
    """Upload id of the identity document."""
    certificates: Annotated[list[UUID], Meta(max_length=MAX_CERTIFICATES)] = []
    """Upload ids of certificates of the trade, ten at most."""


class ApproveIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Approves a barber."""

    version: Version | None = None


class NotesIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the barber the reason of a decision."""

    notes: Notes
    version: Version | None = None


class DocumentOut(Struct, frozen=True):
    """Links to an image of a document, for ten minutes."""

    id: UUID
    """Id of the upload."""
    url: Annotated[str, Meta(examples=["https://grome.example/v1/files/example"])]
    """Signed address of the image, for ten minutes without a sign-in."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


class VerificationOut(Struct, frozen=True):
    """Describes your verification. Documents are deleted some days after the decision."""

    status: State
    """`missing`: nothing sent. `pending`: an admin decides. `asked_again`: send other documents."""
    approval: Approval
    """Customers find and book you only if it is `approved`."""
    id_doc: DocumentOut | None
    """Your identity document; null if none was sent, or after its deletion."""
    certificates: list[DocumentOut]
    """Your certificates, in the order in which you sent them."""
    notes: Annotated[str, Meta(examples=[_NOTES])]
    """The admin's words about the last decision; empty if there are none."""
    submitted_at: datetime | None
    """Time of your latest submission; null before the first."""
    decided_at: datetime | None
    """Time of the last decision; null before the first."""


class VerificationRow(Struct, frozen=True):
    """Describes a verification in the queue."""

    user_id: UUID
    """Account id of the barber; the path parameter `user_id`."""
    name: Annotated[str, Meta(examples=["Lena Fischer"])]
    """Full name of the account."""
    status: State
    """State of the verification."""
    documents: int
    """Number of documents that can be seen."""
    submitted_at: datetime | None
    """Time of the latest submission; null before the first."""
    version: int
    """Send it with the decision, which then holds for this state only."""


class VerificationQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: State = State.PENDING
    """Only verifications in this state; `pending` ones wait for a decision."""


class VerificationPage(Struct, frozen=True):
    """Holds a page of verifications."""

    items: list[VerificationRow]
    """Verifications in the requested state, the longest waiting first."""
    next_cursor: NextCursor


class VerificationEntryOut(Struct, frozen=True):
    """Describes one change of a verification."""

    status: State
    """State after the change."""
    notes: Annotated[str, Meta(examples=[_NOTES])]
    """The admin's words to the barber; empty if there are none."""
    by: UUID
    """Account id of the barber or the admin."""
    at: datetime
    """Time of the change."""
    version: int
    """Version of the verification after the change."""


class VerificationDetails(Struct, frozen=True):
    """Describes a verification to admins, with its latest 100 changes, newest first."""

    user_id: UUID
    """Account id of the barber; the path parameter `user_id`."""
    name: Annotated[str, Meta(examples=["Lena Fischer"])]
    """Full name of the account, to compare with the document."""
    status: State
    """State of the verification."""
    approval: Approval
    """Customers find and book the barber only if it is `approved`."""
    id_doc: DocumentOut | None
    """The identity document; null if none was sent, or after its deletion."""
    certificates: list[DocumentOut]
    """Certificates of the trade, in the barber's order."""
    notes: Annotated[str, Meta(examples=[_NOTES])]
    """Words to the barber about the last decision; empty if there are none."""
    submitted_at: datetime | None
    """Time of the latest submission; null before the first."""
    decided_at: datetime | None
    """Time of the last decision; null before the first."""
    version: int
    """Send it with the decision, which then holds for this state only."""
    history: list[VerificationEntryOut]
    """The latest 100 changes, newest first."""


def verification_out(
    verification: Verification, approval: Approval, documents: Mapping[UUID, DocumentOut]
) -> VerificationOut:
    return VerificationOut(
        status=verification.state,
        approval=approval,
        id_doc=documents.get(verification.id_doc) if verification.id_doc else None,
        certificates=[documents[one] for one in verification.certificates if one in documents],
        notes=verification.notes,
        submitted_at=verification.submitted_at,
        decided_at=verification.decided_at,
    )


def verification_row(verification: Verification, name: str) -> VerificationRow:
    return VerificationRow(
        user_id=verification.id,
        name=name,
        status=verification.state,
        documents=len(verification.documents),
        submitted_at=verification.submitted_at,
        version=verification.version,
    )


def verification_details(
    verification: Verification, name: str, approval: Approval, documents: Mapping[UUID, DocumentOut]
) -> VerificationDetails:
    own = verification_out(verification, approval, documents)
    return VerificationDetails(
        user_id=verification.id,
        name=name,
        status=own.status,
        approval=own.approval,
        id_doc=own.id_doc,
        certificates=own.certificates,
        notes=own.notes,
        submitted_at=own.submitted_at,
        decided_at=own.decided_at,
        version=verification.version,
        history=[
            VerificationEntryOut(entry.after, entry.notes, entry.actor_id, entry.at, entry.version)
            for entry in reversed(verification.history)
        ],
    )
