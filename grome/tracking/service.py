"""Follow a barber on the way to a house call: the newest position, the remaining time, and the arrival."""

from uuid import UUID

from grome.common.actor import Actor
from grome.common.geo import LatLng
from grome.tracking.schemas import PositionOut


class TrackingService:
    async def report(self, actor: Actor, booking_id: UUID, point: LatLng) -> PositionOut | None:
        """Store the position of the barber; return None if it came too soon after the last one or is implausible.

        Raises NotFound unless the actor is the barber of the booking, and NotOnTheWay.
        """
        raise NotImplementedError

    async def latest(self, actor: Actor, booking_id: UUID) -> PositionOut | None:
        """Return the newest position, or None if there is none yet.

        Raises NotFound unless the actor is the customer or the barber of the booking or an admin, and NotOnTheWay.
        """
        raise NotImplementedError
