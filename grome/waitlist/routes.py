"""`/v1/waitlist`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import BARBERS, CUSTOMERS, Actor
from grome.common.errors import NotFound
from grome.composition import app_context
from grome.infrastructure.http import PageQuery, Routes
from grome.waitlist.errors import WaitingForTooMuch, WishCannotBeMet
from grome.waitlist.schemas import EntryIn, EntryOut, EntryPage, EntryQuery, WaitingPage

waitlist = Routes("waitlist", "/v1/waitlist")


@waitlist.post("", who=CUSTOMERS, status=201, refusals=(NotFound, WishCannotBeMet, WaitingForTooMuch))
async def join(request: Request, actor: Actor, body: EntryIn) -> EntryOut:
    """Wait for a time that is taken, at one barber or at anybody's in an area.

    When such a time becomes free it is held for one person for ten minutes: a booking that awaits you, which you accept
    or decline like any other. Then it is the next one's turn. A time that is free already is offered at once. One offer
    is open per person. Joining again with the same wish returns the entry that is open.
    """
    return await app_context(request).waitlist.join(actor, body)


@waitlist.get("", who=CUSTOMERS)
async def list_entries(request: Request, actor: Actor, query: EntryQuery) -> EntryPage:
    """What you wait for or have waited for, latest first."""
    return await app_context(request).waitlist.list_own(actor, query)


@waitlist.get("/for-me", who=BARBERS)
async def list_waiting(request: Request, actor: Actor, query: PageQuery) -> WaitingPage:
    """Who waits for a time of yours, in the order in which they joined."""
    return await app_context(request).waitlist.list_waiting(actor, query)


@waitlist.get("/{entry_id}", who=CUSTOMERS, refusals=(NotFound,))
async def read_entry(request: Request, actor: Actor, entry_id: UUID) -> EntryOut:
    """One of your places on the list."""
    return await app_context(request).waitlist.get(actor, entry_id)


@waitlist.delete("/{entry_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def leave(request: Request, actor: Actor, entry_id: UUID) -> None:
    """Wait no more. An open offer stays until you answer it or it runs out."""
    await app_context(request).waitlist.leave(actor, entry_id)
