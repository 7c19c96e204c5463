"""Record that the barber of a house call sets out, turns back or arrives."""

from datetime import datetime
from uuid import UUID

from msgspec import structs

from grome.bookings.errors import NotAHouseCall, WrongState
from grome.bookings.models import Action, Booking, OnTheWay, Party, Status
from grome.bookings.updates import SYSTEM_AUTHOR, BookingUpdate, BookingUpdater, author_of
from grome.bookings.windows import window_of
from grome.common.actor import Actor
from grome.infrastructure.mongo.client import to_document


class HouseCallTrips:
    """Changes `on_the_way` of bookings. Another status or another time of the visit ends the trip (`updates.py`)."""

    def __init__(self, updater: BookingUpdater) -> None:
        self._updater = updater

    async def set_out(self, actor: Actor, booking_id: UUID) -> Booking:
        """Record that the barber is on the way; a repeat changes nothing and is no error.

        Raises NotFound, WrongState unless the visit is accepted, NotAHouseCall, OutsideWindow and HistoryFull.
        """

        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            if booking.status is not Status.ACCEPTED:
                raise WrongState(f"The booking is {booking.status.value}.")
            if booking.house_call is None:
                raise NotAHouseCall
            if booking.on_the_way:
                return None
            window_of(booking, Action.SET_OUT, Party.BARBER).check(now)
            return _build_update(booking, Action.SET_OUT, OnTheWay(now))

        return await self._updater.update(author_of(actor), booking_id, rule)

    async def turn_back(self, actor: Actor, booking_id: UUID) -> Booking:
        """Take back the setting out; changes nothing if the barber is not on the way. Raises NotFound."""

        async def rule(booking: Booking, _: datetime) -> BookingUpdate | None:
            return _build_update(booking, Action.TURN_BACK, None) if booking.on_the_way else None

        return await self._updater.update(author_of(actor), booking_id, rule)

    async def arrive(self, booking_id: UUID) -> Booking:
        """Record the arrival, once for each trip; changes nothing if the trip has ended. Raises NotFound."""

        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            trip = booking.on_the_way
            if trip is None or trip.arrived_at:
                return None
            return _build_update(booking, Action.ARRIVE, structs.replace(trip, arrived_at=now))

        return await self._updater.update(SYSTEM_AUTHOR, booking_id, rule)


def _build_update(booking: Booking, action: Action, trip: OnTheWay | None) -> BookingUpdate:
    fields = {"on_the_way": to_document(trip) if trip else None}
    return BookingUpdate(action=action, status=booking.status, fields=fields)
