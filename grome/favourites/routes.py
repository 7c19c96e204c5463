"""`/v1/me/favourites`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import CUSTOMERS, Actor
from grome.common.errors import NotFound
from grome.favourites.errors import TooManyFavourites
from grome.favourites.schemas import FavouritePage
from grome.favourites.service import FavouriteService
from grome.infrastructure.http import PageQuery, Routes, resolve

favourites = Routes("favourites", "/v1/me/favourites")


@favourites.get("", who=CUSTOMERS)
async def list_favourites(request: Request, actor: Actor, query: PageQuery) -> FavouritePage:
    """Your favourite barbers as they are now, the newest favourite first."""
    return await resolve(request, FavouriteService).page(actor, query)


@favourites.put("/{barber_id}", who=CUSTOMERS, status=204, refusals=(NotFound, TooManyFavourites))
async def add_favourite(request: Request, actor: Actor, barber_id: UUID) -> None:
    """Make a barber one of your favourites, of which there can be 500. A second time is no change."""
    await resolve(request, FavouriteService).add(actor, barber_id)


@favourites.delete("/{barber_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def remove_favourite(request: Request, actor: Actor, barber_id: UUID) -> None:
    """Keep a barber no longer. A second time is no change."""
    await resolve(request, FavouriteService).remove(actor, barber_id)
