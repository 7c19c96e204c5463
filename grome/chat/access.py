"""Decide which side of a chat an actor is, and whether this side may write."""

from uuid import UUID

from grome.bookings.models import Party, party_of
from grome.bookings.queries import BookingQueries
from grome.chat.errors import ChatBlocked, ChatClosed, NoChat
from grome.chat.repository import BlockRepository
from grome.chat.rules import Seat, open_until
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.infrastructure.mongo.transactions import Session


class ChatAccess:
    def __init__(self, bookings: BookingQueries, blocks: BlockRepository, clock: Clock) -> None:
        self._bookings, self._blocks, self._clock = bookings, blocks, clock

    async def get_seat(self, actor: Actor, booking_id: UUID) -> Seat:
        """Return the actor's side of the chat. Raises NotFound, or NoChat for a guest's booking."""
        party = side_of(actor)
        booking = await self._bookings.get(actor, booking_id)
        if booking.customer_id is None:
            raise NoChat
        return Seat(
            booking_id=booking.id,
            customer_id=booking.customer_id,
            barber_id=booking.barber_id,
            party=party,
            open_until=open_until(booking),
        )

    async def is_blocked(self, seat: Seat, session: Session | None = None) -> bool:
        return await self._blocks.exists_between(seat.customer_id, seat.barber_id, session)

    def is_open(self, seat: Seat) -> bool:
        return self._clock() < seat.open_until

    async def require_writable(self, seat: Seat, session: Session | None = None) -> None:
        """Raise ChatClosed or ChatBlocked if neither side can write now."""
        if not self.is_open(seat):
            raise ChatClosed
        if await self.is_blocked(seat, session):
            raise ChatBlocked


def side_of(actor: Actor) -> Party:
    """Return the actor's side. Raises NotFound for an admin: admins read conversations through reports only."""
    if actor.role is Role.ADMIN:
        raise NotFound
    return party_of(actor.role)
