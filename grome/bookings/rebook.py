"""Book an earlier visit again, at today's prices and rules."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import UNSET

from grome.barbers.models import Barber
from grome.barbers.service import BarberService, check_total_price
from grome.bookings.create import BookingCreator, build_house_call, idempotency_for
from grome.bookings.drafts import BookingDraft
from grome.bookings.errors import NoLongerOffered
from grome.bookings.models import BookedService, Booking, BookingKey, HouseCall, Origin
from grome.bookings.schemas import BookingOut, RebookIn
from grome.bookings.updates import BookingUpdater
from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.geo import to_point
from grome.common.ids import new_id
from grome.infrastructure.idempotency import Encoded
from grome.scheduling.offers import ChosenService, OfferedService


class Rebooker:
    def __init__(self, updater: BookingUpdater, barbers: BarberService, creator: BookingCreator) -> None:
        self._updater, self._barbers, self._creator = updater, barbers, creator

    async def rebook(self, actor: Actor, booking_id: UUID, wanted: RebookIn, key: str | None) -> BookingOut | Encoded:
        """Book the services of any earlier booking of the customer again.

        Raises NotFound for the booking, NoLongerOffered, Invalid for a house call that is too far away, and the errors
        of `BookingCreator.claim` and of the idempotency key.
        """
        idempotency = idempotency_for(key, wanted, to_utc(wanted.scheduled_at, "scheduled_at"), about=booking_id)

        async def make(booking_key: BookingKey | None) -> Booking:
            earlier = await self._updater.get(actor, booking_id)
            return await self._creator.claim(await self._build_draft(actor.id, earlier, wanted), booking_key)

        return await self._creator.run_idempotent(actor.id, idempotency, make)

    async def _build_draft(self, customer_id: UUID, earlier: Booking, wanted: RebookIn) -> BookingDraft:
        barber = await self._barbers.find(earlier.barber_id)
        if barber is None or not barber.is_approved:
            raise NoLongerOffered("The barber no longer takes bookings.")
        return BookingDraft(
            id=new_id(),
            customer_id=customer_id,
            barber=barber,
            services=find_current_services(barber, earlier.services),
            start=to_utc(wanted.scheduled_at, "scheduled_at"),
            house_call=_build_house_call(barber, earlier, wanted),
            terms=barber.terms,
            note=wanted.note,
            origin=Origin.REBOOK,
        )


def find_current_services(barber: Barber, booked: Sequence[BookedService]) -> list[ChosenService]:
    """Return the booked services and add-ons as the barber offers them today.

    Raises NoLongerOffered naming the missing services and add-ons, and Invalid if the total is now too high for one
    booking.
    """
    offers = {offer.service_id: offer for offer in barber.services}
    missing = [name for service in booked for name in _iter_missing_names(service, offers.get(service.service_id))]
    if missing:
        raise NoLongerOffered(f"No longer offered: {', '.join(missing)}.")
    services = [_choose(service, offers[service.service_id]) for service in booked]
    check_total_price("services", services)
    return services


def _iter_missing_names(booked: BookedService, offer: OfferedService | None) -> Iterator[str]:
    if offer is None:
        yield booked.name
        return
    offered = {extra.id for extra in offer.add_ons}
    yield from (extra.name for extra in booked.add_ons if extra.id not in offered)


def _choose(booked: BookedService, offer: OfferedService) -> ChosenService:
    wanted = {extra.id for extra in booked.add_ons}
    return ChosenService(offer, [extra for extra in offer.add_ons if extra.id in wanted])


def _build_house_call(barber: Barber, earlier: Booking, wanted: RebookIn) -> HouseCall | None:
    if wanted.house_call is UNSET:
        call = earlier.house_call
        return build_house_call(barber, call.location, call.address) if call else None
    if wanted.house_call is None:
        return None
    return build_house_call(barber, to_point(wanted.house_call.location), wanted.house_call.address)
