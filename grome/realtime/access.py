"""Decide which rooms an account may subscribe to."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError, NotFound
from grome.nearby.areas import is_area

_MAX_SUGGESTED: Final = 50


class RoomAccess:
    """Takes the server's names of rooms: `user:<account id>`, `booking:<id>`, `shop:<barber id>`, `area:<cell>`.

    A room that the actor may not see is refused like a room that does not exist.
    """

    def __init__(self, bookings: BookingQueries) -> None:
        self._bookings = bookings

    async def require(self, actor: Actor, room: str) -> None:
        """Raise NotFound if the actor may not subscribe to the room."""
        for refusal in (await self.find_refusals(actor, [room])).values():
            raise refusal

    async def find_refusals(self, actor: Actor, rooms: Sequence[str]) -> dict[str, ApiError]:
        """Return the refused rooms, each with its error, by at most one query."""
        bookings = {booking_id for room in rooms if (booking_id := _booking_of(room))}
        visible = await self._bookings.filter_visible(actor, bookings) if bookings else frozenset[UUID]()
        return {room: NotFound() for room in rooms if not _may_see(actor, room, visible)}

    async def open_booking_rooms(self, actor: Actor) -> list[str]:
        """List the rooms of the actor's present and next bookings, soonest first; an admin has none of their own."""
        return [f"booking:{booking_id}" for booking_id in await self._bookings.list_open_ids(actor, _MAX_SUGGESTED)]


def _may_see(actor: Actor, room: str, visible: frozenset[UUID]) -> bool:
    kind, _, key = room.partition(":")
    match kind:
        case "user":
            return key == str(actor.id)
        case "booking":
            return _booking_of(room) in visible
        case "shop":
            return actor.role is Role.ADMIN or (actor.role is Role.BARBER and key == str(actor.id))
        case "area":
            return is_area(key)
        case _:
            return False


def _booking_of(room: str) -> UUID | None:
    """Return the id of the booking if this is a booking's room."""
    kind, _, key = room.partition(":")
    try:
        return UUID(key) if kind == "booking" else None
    except ValueError:
        return None
