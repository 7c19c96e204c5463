"""The same visit once more, at today's prices and by today's rules."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET

from grome.barbers.models import Barber, ChosenService, OfferedService
from grome.barbers.schemas import to_point
from grome.barbers.service import BarberService, check_total
from grome.bookings.create import BookingCreation, asked_under, house_call_to
from grome.bookings.drafts import Wish
from grome.bookings.errors import NoLongerOffered
from grome.bookings.models import BookedService, Booking, HouseCall, Origin
from grome.bookings.schemas import BookingOut, RebookIn
from grome.bookings.updates import BookingChanges
from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.ids import new_id
from grome.infrastructure.first_responses import Encoded


class Rebooking:
    def __init__(self, changes: BookingChanges, barbers: BarberService, creation: BookingCreation) -> None:
        self._changes, self._barbers, self._creation = changes, barbers, creation

    async def rebook(self, actor: Actor, booking_id: UUID, wanted: RebookIn, key: str | None) -> BookingOut | Encoded:
        """Book the services of any earlier booking of the customer again.

        Raises NotFound for the booking, NoLongerOffered, Invalid for a place that is too far away, and the errors of
        `BookingCreation.take` and of the idempotency key.
        """
        idempotency = asked_under(key, wanted, to_utc(wanted.scheduled_at, "scheduled_at"), about=booking_id)

        async def make() -> Booking:
            before = await self._changes.find(actor, booking_id)
            return await self._creation.take(await self._wish(actor.id, before, wanted), idempotency)

        return await self._creation.once(actor.id, idempotency, make)

    async def _wish(self, customer_id: UUID, before: Booking, wanted: RebookIn) -> Wish:
        barber = await self._barbers.find_or_none(before.barber_id)
        if barber is None:
            raise NoLongerOffered("The barber takes no more bookings.")
        return Wish(
            id=new_id(),
            customer_id=customer_id,
            barber=barber,
            services=offered_again(barber, before.services),
            start=to_utc(wanted.scheduled_at, "scheduled_at"),
            house_call=_place(barber, before, wanted),
            terms=barber.terms,
            note=wanted.note,
            origin=Origin.REBOOK,
        )


def offered_again(barber: Barber, booked: Sequence[BookedService]) -> list[ChosenService]:
    """Return the booked services and add-ons as the barber offers them today.

    Raises NoLongerOffered naming the missing services and add-ons, and Invalid if the total is now too high for one
    booking.
    """
    offers = {offer.service_id: offer for offer in barber.services}
    if gone := [name for one in booked for name in _gone(one, offers.get(one.service_id))]:
        raise NoLongerOffered(f"No longer offered: {', '.join(gone)}.")
    services = [_chosen(one, offers[one.service_id]) for one in booked]
    check_total("services", services)
    return services


def _gone(booked: BookedService, offer: OfferedService | None) -> Iterator[str]:
    if offer is None:
        yield booked.name
        return
    offered = {extra.id for extra in offer.add_ons}
    yield from (extra.name for extra in booked.add_ons if extra.id not in offered)


def _chosen(booked: BookedService, offer: OfferedService) -> ChosenService:
    wanted = {extra.id for extra in booked.add_ons}
    return ChosenService(offer, [extra for extra in offer.add_ons if extra.id in wanted])


def _place(barber: Barber, before: Booking, wanted: RebookIn) -> HouseCall | None:
    if wanted.house_call is UNSET:
        there = before.house_call
        return house_call_to(barber, there.location, there.address) if there else None
    if wanted.house_call is None:
        return None
    return house_call_to(barber, to_point(wanted.house_call.location), wanted.house_call.address)
