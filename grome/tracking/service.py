"""Follow a barber on the way to a house call: the newest position, the remaining time, and the arrival."""

from contextlib import suppress
from typing import Protocol
from uuid import UUID

from msgspec import UNSET, structs

from grome.barbers.models import HouseCallRules
from grome.barbers.service import BarberService
from grome.bookings.models import Action, Booking, find_newest_entry
from grome.bookings.on_the_way import HouseCallTrips
from grome.bookings.queries import BookingQueries
from grome.bookings.schemas import BookingOut, booking_out
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.geo import LatLng, to_lat_lng
from grome.tracking.errors import NotOnTheWay
from grome.tracking.eta import advance, initial_speed
from grome.tracking.lateness import LatenessAdvisor
from grome.tracking.models import Measured, Progress, Trip
from grome.tracking.schemas import PositionOut
from grome.tracking.trip_store import Claim, ClaimRefusal, TripStore


class PositionListener(Protocol):
    """Hears of each position that the customer may see."""

    async def moved(self, trip: Trip, position: PositionOut) -> None: ...


class TrackingService:
    """Opens and closes trips, and follows their positions.

    Access to a position is decided by the fields of the booking that were copied to the trip, without a query.
    """

    def __init__(
        self,
        store: TripStore,
        trips: HouseCallTrips,
        bookings: BookingQueries,
        barbers: BarberService,
        lateness: LatenessAdvisor,
        listener: PositionListener,
        clock: Clock,
    ) -> None:
        self._store, self._trips, self._bookings, self._barbers = store, trips, bookings, barbers
        self._lateness, self._listener, self._clock = lateness, listener, clock

    async def set_out(self, actor: Actor, booking_id: UUID) -> BookingOut:
        """Record that the barber is on the way, and open the trip; a repeat opens a trip that was lost.

        Raises the errors of `HouseCallTrips.set_out`, and NotOnTheWay if the trip has ended meanwhile.
        """
        booking = await self._trips.set_out(actor, booking_id)
        await self._open(booking)
        return booking_out(booking)

    async def turn_back(self, actor: Actor, booking_id: UUID) -> BookingOut:
        """Take back the setting out, and delete the position. Raises NotFound."""
        booking = await self._trips.turn_back(actor, booking_id)
        if booking.on_the_way is None:
            await self._store.close(booking_id, booking.version)
        return booking_out(booking)

    async def report(self, actor: Actor, booking_id: UUID, point: LatLng) -> PositionOut | None:
        """Store the position of the barber, and tell the listener.

        Returns None if the position came too soon after the last one, or is implausible. Raises NotFound unless the
        actor is the barber of the booking, and NotOnTheWay.
        """
        claim = await self._claim(actor, booking_id)
        if claim is None:
            return None
        measured = Measured(point, now := self._clock())
        progress = advance(claim.trip, claim.progress, measured)
        is_believed = progress.newest is measured
        if is_believed:
            if progress.arrived and not _has_arrived(claim):
                await self._record_arrival(claim.trip)
            lateness = await self._lateness.advise(actor, claim.trip, progress, now)
            progress = structs.replace(progress, lateness=lateness)
        if not await self._store.save(claim, progress) or not is_believed:
            return None  # a position that was not stored, because the trip has ended meanwhile, is shown to nobody
        await self._listener.moved(claim.trip, _position_out(progress, for_barber=False))
        return _position_out(progress, for_barber=True)

    async def latest(self, actor: Actor, booking_id: UUID) -> PositionOut | None:
        """Return the newest position, or None if there is none yet.

        Raises NotFound unless the actor is the customer or the barber of the booking or an admin, and NotOnTheWay.
        """
        found = await self._store.find(booking_id)
        if found is None:
            booking = await self._bookings.get(actor, booking_id)
            if booking.on_the_way is None:
                raise NotOnTheWay
            return None
        return _visible_position(actor, *found)

    async def find_latest(self, actor: Actor, booking_id: UUID) -> PositionOut | None:
        """Return the newest position, or None if there is none yet or no trip; the booking is not read.

        Raises NotFound like `latest`.
        """
        found = await self._store.find(booking_id)
        return _visible_position(actor, *found) if found else None

    async def close(self, booking_id: UUID, version: int) -> None:
        """Delete the trip and its position, unless it began after this version of the booking."""
        await self._store.close(booking_id, version)

    async def refresh(self, booking_id: UUID) -> None:
        """Copy the fields of the booking again, if there is a trip."""
        if await self._store.find(booking_id):
            booking = (await self._bookings.find_many([booking_id])).get(booking_id)
            if booking:
                with suppress(NotOnTheWay):  # the trip has ended meanwhile
                    await self._open(booking)

    async def _claim(self, actor: Actor, booking_id: UUID) -> Claim | None:
        """Return the claim, or None if it is too soon for another position. Raises NotFound and NotOnTheWay."""
        claim = await self._store.claim(booking_id, actor.id, self._clock())
        if claim is ClaimRefusal.NO_TRIP:
            await self._open(await self._bookings.get(actor, booking_id))
            claim = await self._store.claim(booking_id, actor.id, self._clock())
        match claim:
            case ClaimRefusal.NO_TRIP:
                raise NotOnTheWay
            case ClaimRefusal.STRANGER:
                raise NotFound
            case ClaimRefusal.TOO_SOON:
                return None
            case Claim() if claim.is_due_for_confirmation:
                trip = await self._open(await self._bookings.get(actor, booking_id))
                return claim._replace(trip=trip)
            case _:
                return claim

    async def _open(self, booking: Booking) -> Trip:
        """Store the trip of the booking, or confirm it. Raises NotOnTheWay.

        The booking is read once more after the trip is stored: an event of its end that came before the trip was stored
        has deleted nothing.
        """
        trip = await self._trip_of(booking)
        await self._store.open(trip)
        current = (await self._bookings.find_many([booking.id])).get(booking.id)
        if current is None or current.on_the_way is None or _number_of(current) != trip.number:
            await self._store.close(booking.id, trip.number)
            raise NotOnTheWay
        return trip

    async def _trip_of(self, booking: Booking) -> Trip:
        call, state, number = booking.house_call, booking.on_the_way, _number_of(booking)
        if call is None or state is None or number is None:
            raise NotOnTheWay
        barber = await self._barbers.find(booking.barber_id)
        rules = barber.house_calls if barber else HouseCallRules()
        return Trip(
            number=number,
            booking_id=booking.id,
            customer_id=booking.customer_id,
            barber_id=booking.barber_id,
            destination=to_lat_lng(call.location),
            scheduled_at=booking.scheduled_at,
            arrived=state.arrived_at is not None,
            speed=initial_speed(rules.minutes_per_km),
        )

    async def _record_arrival(self, trip: Trip) -> None:
        """Record the arrival before the trip shows it. Raises NotOnTheWay if the trip has ended meanwhile."""
        booking = await self._trips.arrive(trip.booking_id)
        if booking.on_the_way is None:
            await self._store.close(trip.booking_id, booking.version)
            raise NotOnTheWay


def _visible_position(actor: Actor, trip: Trip, progress: Progress | None) -> PositionOut | None:
    if actor.role is not Role.ADMIN and actor.id not in {trip.customer_id, trip.barber_id}:
        raise NotFound
    return _position_out(progress, for_barber=actor.id == trip.barber_id) if progress else None


def _number_of(booking: Booking) -> int | None:
    entry = find_newest_entry(booking, Action.SET_OUT)
    return entry.version if entry else None


def _has_arrived(claim: Claim) -> bool:
    return claim.trip.arrived or (claim.progress is not None and claim.progress.arrived)


def _position_out(progress: Progress, *, for_barber: bool) -> PositionOut:
    suggestion = progress.lateness.suggestion_min if for_barber and progress.lateness else None
    return PositionOut(
        lat=progress.newest.point.lat,
        lng=progress.newest.point.lng,
        at=progress.newest.at,
        distance_m=progress.distance_m,
        eta_min=progress.eta_min,
        arrived=progress.arrived,
        late_suggestion_min=suggestion or UNSET,
    )
