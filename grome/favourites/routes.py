"""Serve `/v1/me/favourites`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import CUSTOMERS, Actor
from grome.common.errors import NotFound
from grome.favourites.errors import TooManyFavourites
from grome.favourites.schemas import FavouritePage
from grome.favourites.service import FavouriteService
from grome.infrastructure.http import PageQuery, Routes, resolve

favourites = Routes("favourites", "/v1/me/favourites", about="Barbers that a customer keeps in a list.")


@favourites.get("", who=CUSTOMERS)
async def list_favourites(request: Request, actor: Actor, query: PageQuery) -> FavouritePage:
    """List your favourite barbers, newest favourite first.

    Each comes with its present profile.
    """
    return await resolve(request, FavouriteService).page(actor, query)


@favourites.put("/{barber_id}", who=CUSTOMERS, status=204, refusals=(NotFound, TooManyFavourites))
async def add_favourite(request: Request, actor: Actor, barber_id: UUID) -> None:
    """Add a barber to your favourites, 500 at most.

    Repeating the request changes nothing.
    """
    await resolve(request, FavouriteService).add(actor, barber_id)


@favourites.delete("/{barber_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def remove_favourite(request: Request, actor: Actor, barber_id: UUID) -> None:
    """Remove a barber from your favourites.

    Repeating the request changes nothing.
    """
    await resolve(request, FavouriteService).remove(actor, barber_id)
