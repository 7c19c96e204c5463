"""Routes of the waitlist, under `/v1/waitlist`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import BARBERS, CUSTOMERS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import PageQuery, Routes, resolve
from grome.waitlist.errors import WaitingForTooMuch, WishCannotBeMet
from grome.waitlist.schemas import EntryIn, EntryOut, EntryPage, EntryQuery, WaitingPage
from grome.waitlist.service import WaitlistService

waitlist = Routes(
    "waitlist", "/v1/waitlist", about="Wait for a time that is taken; a time that becomes free is offered in order."
)


@waitlist.post("", who=CUSTOMERS, status=201, refusals=(NotFound, WishCannotBeMet, WaitingForTooMuch))
async def join(request: Request, actor: Actor, body: EntryIn) -> EntryOut:
    """Join the waitlist, for one barber or for any barber in an area.

    A time that becomes free is held for one customer for ten minutes, as a booking that the customer accepts or
    declines like any other. After that it is offered to the next customer. A time that is already free is offered at
    once. A customer has one open offer at a time. Joining again with the same request returns the open entry. 422
    `wish_cannot_be_met` means that no visit fits into the window even if all times were free.
    """
    return await resolve(request, WaitlistService).join(actor, body)


@waitlist.get("", who=CUSTOMERS)
async def list_entries(request: Request, actor: Actor, query: EntryQuery) -> EntryPage:
    """List your waitlist entries, newest first.

    Ended entries are kept for 30 days.
    """
    return await resolve(request, WaitlistService).list_own(actor, query)


@waitlist.get("/for-me", who=BARBERS)
async def list_waiting(request: Request, actor: Actor, query: PageQuery) -> WaitingPage:
    """List the entries that wait for your time, in the order in which they joined."""
    return await resolve(request, WaitlistService).list_waiting(actor, query)


@waitlist.get("/{entry_id}", who=CUSTOMERS, refusals=(NotFound,))
async def read_entry(request: Request, actor: Actor, entry_id: UUID) -> EntryOut:
    """Return one of your waitlist entries."""
    return await resolve(request, WaitlistService).get(actor, entry_id)


@waitlist.delete("/{entry_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def leave(request: Request, actor: Actor, entry_id: UUID) -> None:
    """Leave the waitlist.

    An open offer stays until you answer it or it expires. A repeat has no further effect.
    """
    await resolve(request, WaitlistService).leave(actor, entry_id)
