"""Serve `/v1/barbers/me/verification` and `/v1/admin/verifications`."""

from uuid import UUID

from sanic import Request

from grome.barbers.errors import ProfileMissing
from grome.common.actor import ADMINS, BARBERS, Actor
from grome.common.errors import NotFound, TooManyRequests, Unavailable
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.outbox.models import EventType
from grome.uploads.errors import UploadRefused
from grome.verification.errors import VerificationChanged
from grome.verification.schemas import (
    ApproveIn,
    NotesIn,
    VerificationDetails,
    VerificationIn,
    VerificationOut,
    VerificationPage,
    VerificationQuery,
)
from grome.verification.service import VerificationService

verification = Routes(
    "verification", "/v1/barbers/me/verification", about="Documents that a barber submits to be approved."
)
verifications = Routes(
    "verifications", "/v1/admin/verifications", about="Decisions of admins about the documents of barbers."
)


@verification.get("", who=BARBERS, refusals=(ProfileMissing,))
async def read_own_verification(request: Request, actor: Actor) -> VerificationOut:
    """Return the state of your verification, with links to your documents."""
    return await resolve(request, VerificationService).read_own(actor)


@verification.put(
    "",
    who=BARBERS,
    limit=LimitClass.COSTLY,
    refusals=(ProfileMissing, UploadRefused, TooManyRequests, Unavailable),
)
async def submit_verification(request: Request, actor: Actor, body: VerificationIn) -> VerificationOut:
    """Submit an identity document and certificates, in place of earlier documents.

    Documents are images, or PDF files, of which the first page counts. Only admins and you can see them. They are
    deleted some days after the decision. An approved barber stays approved until the next decision. 422
    `upload_refused` names the upload and its fault in `errors`.
    """
    return await resolve(request, VerificationService).submit(actor, body)


@verifications.get("", who=ADMINS)
async def list_verifications(request: Request, query: VerificationQuery) -> VerificationPage:
    """List the verifications in a state, longest waiting first.

    By default these wait for a decision.
    """
    return await resolve(request, VerificationService).list_page(query)


@verifications.get("/{user_id}", who=ADMINS, refusals=(NotFound,))
async def read_verification(request: Request, user_id: UUID) -> VerificationDetails:
    """Return a barber's verification with links to the documents and its history."""
    return await resolve(request, VerificationService).read(user_id)


@verifications.post("/{user_id}/approve", who=ADMINS, refusals=(NotFound, VerificationChanged))
async def approve_verification(request: Request, actor: Actor, user_id: UUID, body: ApproveIn) -> VerificationDetails:
    """Approve a barber.

    Customers find and book the barber from now on. 409 `verification_changed` means that the verification is no longer
    in the version that you have sent.
    """
    service = resolve(request, VerificationService)
    return await service.decide(actor, user_id, EventType.VERIFICATION_APPROVED, version=body.version)


@verifications.post("/{user_id}/reject", who=ADMINS, refusals=(NotFound, VerificationChanged))
async def reject_verification(request: Request, actor: Actor, user_id: UUID, body: NotesIn) -> VerificationDetails:
    """Reject a barber, also after an approval.

    Customers no longer find and book the barber; existing bookings stay. The barber gets the notes by mail.
    """
    service = resolve(request, VerificationService)
    return await service.decide(actor, user_id, EventType.VERIFICATION_REJECTED, body.notes, body.version)


@verifications.post("/{user_id}/ask-again", who=ADMINS, refusals=(NotFound, VerificationChanged))
async def ask_for_documents(request: Request, actor: Actor, user_id: UUID, body: NotesIn) -> VerificationDetails:
    """Ask a barber for other documents.

    The barber gets the notes by mail. An approved barber stays approved.
    """
    service = resolve(request, VerificationService)
    return await service.decide(actor, user_id, EventType.VERIFICATION_ASKED_AGAIN, body.notes, body.version)
