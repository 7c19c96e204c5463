"""Find the free barbers within reach for a visit, and claim a barber and a time together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.any_barber.errors import NobodyFree
from grome.any_barber.schemas import AnyBookingIn, AnySlotOut, AnySlotQuery, AnySlotsOut, CandidateOut
from grome.availability.service import AvailabilityService
from grome.barbers.models import Barber
from grome.barbers.service import BarberService, try_choose_services
from grome.bookings.create import BookingCreator, idempotency_for
from grome.bookings.drafts import BookingDraft
from grome.bookings.errors import SlotNotOffered, SlotTaken
from grome.bookings.models import Booking, BookingKey, Origin
from grome.bookings.schemas import BookingOut
from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.errors import Invalid
from grome.common.figures import duration_of, price_of
from grome.common.geo import to_lat_lng
from grome.common.ids import new_id
from grome.infrastructure.idempotency import Encoded
from grome.nearby.schemas import NearbyQuery
from grome.nearby.service import NearbyService
from grome.scheduling.offers import ChosenService

MAX_DAYS: Final = 7
_MAX_CANDIDATES: Final = 50


@dataclass(frozen=True, slots=True)
class _Candidate:
    barber: Barber
    services: list[ChosenService]
    distance_m: float

    @property
    def price(self) -> int:
        return price_of(self.services)


class AnyBarberService:
    def __init__(
        self,
        nearby: NearbyService,
        barbers: BarberService,
        availability: AvailabilityService,
        creation: BookingCreator,
    ) -> None:
        self._nearby, self._barbers = nearby, barbers
        self._availability, self._creation = availability, creation

    async def slots(self, query: AnySlotQuery) -> AnySlotsOut:
        """List every start that can be booked with any barber. Raises Invalid for the dates or a repeated service."""
        if not 1 <= (query.last - query.first).days + 1 <= MAX_DAYS:
            raise Invalid("to", f"must be on or after `from` and at most {MAX_DAYS} dates in all")
        candidates = await self._list_candidates(query)
        wanted = [(candidate.barber, candidate.services) for candidate in candidates]
        free: dict[datetime, list[UUID]] = defaultdict(list)
        if wanted:
            for barber, days in await self._availability.list_slots_by_barber(wanted, query.first, query.last):
                for _, slots in days:
                    for slot in slots:
                        free[slot.start].append(barber.id)
        return AnySlotsOut(
            [_candidate_out(candidate) for candidate in candidates],
            [AnySlotOut(start, barber_ids) for start, barber_ids in sorted(free.items())],
        )

    async def book(self, actor: Actor, wanted: AnyBookingIn, key: str | None) -> BookingOut | Encoded:
        """Claim the nearest free barber, or return the first answer again if `key` has a first answer.

        Raises Invalid for a repeated service, NobodyFree, KeyReused or KeyInFlight.
        """
        start = to_utc(wanted.scheduled_at, "scheduled_at")
        idempotency = idempotency_for(key, wanted, start)

        async def make(booking_key: BookingKey | None) -> Booking:
            candidates = await self._list_candidates(wanted)
            return await self._claim_first_free(actor.id, wanted, start, candidates, booking_key)

        return await self._creation.run_idempotent(actor.id, idempotency, make, any_barber=True)

    async def _claim_first_free(
        self,
        customer_id: UUID,
        wanted: AnyBookingIn,
        start: datetime,
        candidates: Sequence[_Candidate],
        booking_key: BookingKey | None,
    ) -> Booking:
        drafts = [
            BookingDraft(
                id=new_id(),
                customer_id=customer_id,
                barber=candidate.barber,
                services=candidate.services,
                start=start,
                terms=candidate.barber.terms,
                note=wanted.note,
                origin=Origin.ANY_BARBER,
            )
            for candidate in candidates
        ]
        # Barbers that look busy are skipped. If a barber that looks free has been taken meanwhile, the next is tried.
        errors = await self._creation.find_errors(drafts)
        for draft in (draft for draft, error in zip(drafts, errors, strict=True) if error is None):
            try:
                return await self._creation.claim(draft, booking_key)
            except (SlotTaken, SlotNotOffered):
                continue
        raise NobodyFree

    async def _list_candidates(self, wanted: AnySlotQuery | AnyBookingIn) -> list[_Candidate]:
        """Return the nearest barbers that offer all services within the maximum price.

        At equal distance the better rated barber comes first.
        """
        if len(set(wanted.service_ids)) < len(wanted.service_ids):
            raise Invalid("service_ids", "has a service twice")
        around = NearbyQuery(lat=wanted.lat, lng=wanted.lng, radius_km=wanted.radius_km)
        found = dict(await self._nearby.nearest_offering(around, wanted.service_ids, wanted.price_max, _MAX_CANDIDATES))
        candidates = [
            _Candidate(barber, services, found[barber.id])
            for barber in await self._barbers.list_by_ids(list(found))
            # The map data may be older than the profile just read.
            if barber.is_approved and (services := try_choose_services(barber, wanted.service_ids))
        ]
        affordable = [each for each in candidates if wanted.price_max is None or each.price <= wanted.price_max]
        return sorted(affordable, key=lambda each: (each.distance_m, -each.barber.rating, each.barber.id))


def _candidate_out(candidate: _Candidate) -> CandidateOut:
    barber = candidate.barber
    return CandidateOut(
        id=barber.id,
        name=barber.display_name,
        location=to_lat_lng(barber.location),
        distance_m=candidate.distance_m,
        rating=barber.shown_rating,
        reviews_count=barber.reviews_count,
        price=candidate.price,
        currency=barber.currency,
        duration_min=duration_of(candidate.services),
        timezone=barber.timezone,
    )
