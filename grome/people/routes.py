"""Serve `/v1/admin/users`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.people.errors import AccountDeleted, OwnAccount
from grome.people.schemas import AdminReasonIn, AdminUserDetails, AdminUserOut, AdminUserPage, PeopleQuery
from grome.people.service import PeopleService

people = Routes(
    "people", "/v1/admin/users", about="Accounts as admins see them: search, suspend, restore and sign out."
)

_REFUSALS = (NotFound, OwnAccount, AccountDeleted)


@people.get("", who=ADMINS)
async def list_users(request: Request, query: PeopleQuery) -> AdminUserPage:
    """Search accounts by id, name, email or phone number, the newest first."""
    return await resolve(request, PeopleService).list_page(query)


@people.get("/{user_id}", who=ADMINS, refusals=(NotFound,))
async def read_user(request: Request, user_id: UUID) -> AdminUserDetails:
    """Return an account with its sessions and open bookings."""
    return await resolve(request, PeopleService).read(user_id)


@people.post("/{user_id}/suspend", who=ADMINS, refusals=_REFUSALS)
async def suspend_user(request: Request, actor: Actor, user_id: UUID, body: AdminReasonIn) -> AdminUserOut:
    """Suspend an account at once.

    Its sessions end, and it cannot sign in. The profile of a barber is neither found nor bookable. Bookings stay;
    handle them with the routes of bookings.
    """
    return await resolve(request, PeopleService).suspend(actor, user_id, body.reason)


@people.post("/{user_id}/restore", who=ADMINS, refusals=_REFUSALS)
async def restore_user(request: Request, actor: Actor, user_id: UUID, body: AdminReasonIn) -> AdminUserOut:
    """End the suspension of an account.

    The person signs in anew.
    """
    return await resolve(request, PeopleService).restore(actor, user_id, body.reason)


@people.post("/{user_id}/sign-out", who=ADMINS, status=204, refusals=_REFUSALS)
async def sign_out_user(request: Request, actor: Actor, user_id: UUID, body: AdminReasonIn) -> None:
    """End all sessions of an account at once."""
    await resolve(request, PeopleService).sign_out(actor, user_id, body.reason)


@people.post("/{user_id}/reset-factors", who=ADMINS, status=204, refusals=_REFUSALS, step_up=True)
async def reset_factors(request: Request, actor: Actor, user_id: UUID) -> None:
    """Remove the second factors of a person that has lost them.

    Make sure of the person's identity first. The sessions of the account end, and the owner is told.
    """
    await resolve(request, PeopleService).reset_factors(actor, user_id)
