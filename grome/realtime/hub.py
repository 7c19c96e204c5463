"""Rooms of this process: subscribers join with their positions, and get the events of their rooms in order."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from grome.realtime.delivery import Delivery
from grome.realtime.models import Joined, RoomRequest


class Subscriber(Protocol):
    """A connection in rooms. Both methods are called in the event loop and must not block."""

    @property
    def account_id(self) -> UUID: ...

    @property
    def is_admin(self) -> bool: ...

    def deliver(self, delivery: Delivery) -> None:
        """Send a frame."""

    def reset(self, room: str, epoch: str, offset: str) -> None:
        """Tell the client that its position in the room was lost; events after `offset` follow."""


class Hub:
    """Joins subscribers to rooms, and delivers the events of the bus to them.

    A subscriber gets each event of its rooms once, in the order of their offsets, and no event up to the position that
    it joined with. If the server cannot hold to that, it says so: `recovered` is false, or the subscriber is reset.
    """

    def start(self) -> None:
        """Start to read the bus."""

    async def close(self) -> None:
        """Stop reading the bus."""

    async def join(
        self,
        subscriber: Subscriber,
        requests: Sequence[RoomRequest],
        on_joined: Callable[[Sequence[Joined]], None],
    ) -> None:
        """Add the subscriber to rooms; rights were checked before.

        `on_joined` is called in the same step of the event loop in which the subscriptions go live. So a reply that it
        writes precedes all later events. It is not called if the subscriber left by `leave_all` meanwhile. Raises
        TooManyRooms.
        """
        raise NotImplementedError

    def leave(self, subscriber: Subscriber, room: str) -> None:
        """Remove the subscriber from a room, if it is there."""
        raise NotImplementedError

    def leave_all(self, subscriber: Subscriber) -> None:
        """Remove the subscriber from all rooms."""
        raise NotImplementedError

    @property
    def position(self) -> str:
        """Return the offset up to which all events of all rooms have been delivered in this process."""
        raise NotImplementedError
