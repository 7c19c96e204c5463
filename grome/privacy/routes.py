"""Serve `/v1/me/export`, `/v1/me/exports`, and the deletion of `/v1/me`."""

from uuid import UUID

from sanic import Request

from grome.accounts.errors import WrongPassword
from grome.common.actor import NO_ROLE, SIGNED_IN, Actor
from grome.common.errors import NotFound, StepUpRequired, TooManyRequests
from grome.infrastructure.http import PageQuery, Routes, resolve
from grome.infrastructure.rate_limits.models import LimitClass
from grome.privacy.deletion import DeletionService
from grome.privacy.errors import AccountInUse
from grome.privacy.schemas import DeletionIn, DeletionOut, ExportOut, ExportPage
from grome.privacy.service import ExportService

privacy = Routes("privacy", "/v1/me", about="Export all data about you, or delete your account.")


@privacy.post(
    "/export",
    who=SIGNED_IN,
    status=202,
    refusals=(TooManyRequests,),
    limit=LimitClass.COSTLY,
    step_up=True,
    second_factor=NO_ROLE,
)
async def request_export(request: Request, actor: Actor) -> ExportOut:
    """Request an archive of everything that Grome knows about you.

    It is made in the background; you get a message once it can be downloaded. While an export is being made, a repeat
    returns it; three exports a day are possible. The file is deleted after seven days.
    """
    return await resolve(request, ExportService).request(actor)


@privacy.get("/exports", who=SIGNED_IN, second_factor=NO_ROLE)
async def list_exports(request: Request, actor: Actor, query: PageQuery) -> ExportPage:
    """List your exports, newest first."""
    return await resolve(request, ExportService).page(actor, query)


@privacy.get("/exports/{export_id}", who=SIGNED_IN, refusals=(NotFound,), step_up=True, second_factor=NO_ROLE)
async def read_export(request: Request, actor: Actor, export_id: UUID) -> ExportOut:
    """Return one of your exports, with the download URL once it is done."""
    return await resolve(request, ExportService).get(actor, export_id)


@privacy.delete(
    "",
    who=SIGNED_IN,
    status=202,
    second_factor=NO_ROLE,
    refusals=(AccountInUse, StepUpRequired, WrongPassword, NotFound, TooManyRequests),
    limit=LimitClass.SIGN_IN,
)
async def delete_account(request: Request, actor: Actor, body: DeletionIn) -> DeletionOut:
    """Delete your account.

    Send the password, or prove your identity within the ten minutes before. 409 `account_in_use` means that bookings or
    payments are open, or money is owed or due; `errors` names them. You are signed out on all devices at once, and a
    barber's shop is closed. Your data is erased in the background; `kept` lists the data that stays without your name,
    and why.
    """
    return await resolve(request, DeletionService).request(actor, body)
