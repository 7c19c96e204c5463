"""Decide which rooms an account may subscribe to."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError, NotFound
from grome.nearby.areas import is_area

_MAX_SUGGESTED: Final = 50


class RoomViews(Struct, frozen=True):
    """The refused rooms, each with its error, and the accounts on the other side of booking rooms."""

    refused: Mapping[str, ApiError]
    others: Mapping[str, UUID]


class RoomAccess:
    """Takes the server's names of rooms: `user:<account id>`, `booking:<id>`, `shop:<barber id>`, `area:<cell>`.

    A room that the actor may not see is refused like a room that does not exist.
    """

    def __init__(self, bookings: BookingQueries) -> None:
        self._bookings = bookings

    async def look(self, actor: Actor, rooms: Sequence[str]) -> RoomViews:
        """Return the rooms that are refused to the actor, and the other sides, by at most one query."""
        wanted = {booking_id: room for room in rooms if (booking_id := _booking_of(room))}
        found = await self._bookings.list_sides(actor, wanted) if wanted else []
        sides = {wanted[booking.id]: booking for booking in found}
        refused = {room: NotFound() for room in rooms if room not in sides and not _may_see(actor, room)}
        others = {
            room: other
            for room, booking in sides.items()
            if (other := booking.barber_id if booking.customer_id == actor.id else booking.customer_id)
        }
        return RoomViews(refused, others)

    async def open_booking_rooms(self, actor: Actor) -> list[str]:
        """List the rooms of the actor's present and next bookings, soonest first; an admin has none of their own."""
        return [f"booking:{booking_id}" for booking_id in await self._bookings.list_open_ids(actor, _MAX_SUGGESTED)]


def _may_see(actor: Actor, room: str) -> bool:
    kind, _, key = room.partition(":")
    match kind:
        case "user":
            return key == str(actor.id)
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
