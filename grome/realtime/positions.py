"""Show the position of a barber on the way in the room of the booking."""

from typing import Final

import msgspec

from grome.realtime.frames import Position
from grome.realtime.rooms import booking_room
from grome.realtime.streams import LivePublisher
from grome.tracking.models import Trip
from grome.tracking.schemas import PositionOut

_WHERE: Final = "where"


class LivePositions:
    """Broadcasts positions to the two sides of the booking. A lost position is replaced by the next."""

    def __init__(self, publisher: LivePublisher) -> None:
        self._publisher = publisher

    async def moved(self, trip: Trip, position: PositionOut) -> None:
        people = (trip.customer_id, trip.barber_id) if trip.customer_id else (trip.barber_id,)
        payload = msgspec.json.encode(to_frame_position(position))
        await self._publisher.broadcast(booking_room(trip.booking_id), people, _WHERE, payload)


def to_frame_position(position: PositionOut) -> Position:
    return Position(position.lat, position.lng, position.at, position.distance_m, position.eta_min, position.arrived)
