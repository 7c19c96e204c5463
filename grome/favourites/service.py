"""Add, remove and list favourites."""

from uuid import UUID

from grome.barbers.service import BarberService
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.favourites.errors import TooManyFavourites
from grome.favourites.models import Favourite
from grome.favourites.repository import AfterFavourite, FavouriteRepository
from grome.favourites.schemas import FavouritePage, favourite_out
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor


class FavouriteService:
    def __init__(self, favourites: FavouriteRepository, barbers: BarberService, clock: Clock) -> None:
        self._favourites, self._barbers, self._clock = favourites, barbers, clock

    async def add(self, actor: Actor, barber_id: UUID) -> None:
        """Add a favourite, unless it exists. Raises NotFound for the barber, or TooManyFavourites."""
        barber = await self._barbers.get_approved(barber_id)
        new = Favourite(id=new_id(), customer_id=actor.id, barber_id=barber.id, slot=0, created_at=self._clock())
        if not await self._favourites.add(new):
            raise TooManyFavourites

    async def remove(self, actor: Actor, barber_id: UUID) -> None:
        """Remove a favourite if it exists. Raises NotFound if neither the favourite nor a profile exists."""
        if not await self._favourites.remove(actor.id, barber_id):
            await self._barbers.get_approved(barber_id)

    async def page(self, actor: Actor, query: PageQuery) -> FavouritePage:
        after = decode_cursor(query.cursor, AfterFavourite)
        rows = await self._favourites.page(actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(rows, query.limit, lambda row: AfterFavourite(row.id))
        found = await self._barbers.list_by_ids([one.barber_id for one in page])
        barbers = {barber.id: barber for barber in found if barber.is_approved}
        return FavouritePage([favourite_out(one, barbers.get(one.barber_id)) for one in page], next_cursor)
