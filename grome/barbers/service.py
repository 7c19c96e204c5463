"""Change barbers' profiles, offers, hours, rules and ratings, and find barbers."""

from collections.abc import AsyncGenerator, AsyncIterator, Container, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.cache import BarberCache
from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.errors import CurrencyDiffers, ProfileMissing
from grome.barbers.models import (
    Approval,
    Barber,
    DepositRules,
    HouseCallRules,
    StarCounts,
    Terms,
    notices_of_switch,
    rating_delta,
)
from grome.barbers.repository import BarberRepository
from grome.barbers.schemas import BarberOut, OfferIn, OffersIn, ProfileIn, barber_out
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor
from grome.common.clock import ZONES, Clock
from grome.common.errors import Invalid, NotFound
from grome.common.figures import price_of
from grome.common.geo import GeoPoint, to_point
from grome.common.ids import new_id
from grome.common.input_faults import Faults, refusal_of
from grome.common.money import MOST_AMOUNT, NO_CURRENCY, currencies_in_use
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours, validation_errors
from grome.scheduling.offers import AddOn, ChosenService, OfferedService

_CLOSED = DayHours(is_available=False, start_time="09:00", end_time="18:00")
CLOSED_WEEK: Final = WeeklyHours(_CLOSED, _CLOSED, _CLOSED, _CLOSED, _CLOSED, _CLOSED, _CLOSED)
PROFILE_FIELDS: Final = (
    "display_name",
    "bio",
    "neighbourhood",
    "location",
    "service_radius_km",
    "timezone",
    "currency",
)


class BarberService:
    def __init__(
        self,
        barbers: BarberRepository,
        catalogue: CatalogueService,
        changes: BarberChangeFeed,
        transactions: Transactions,
        first_approval: Approval,
        clock: Clock,
    ) -> None:
        """`first_approval` is the approval of new profiles."""
        self._barbers, self._catalogue, self._changes, self._clock = barbers, catalogue, changes, clock
        self._transactions, self._first_approval = transactions, first_approval
        self._cache = BarberCache(changes)

    async def get(self, barber_id: UUID) -> Barber:
        """Return a barber for itself or for its bookings, approved or not, from the cache if possible.

        Raises NotFound for the field `barber_id`.
        """
        barber = await self.find(barber_id)
        if barber is None:
            raise _no_barber()
        return barber

    async def get_approved(self, barber_id: UUID) -> Barber:
        """Return a barber that customers can find and book. Raises NotFound, also for a barber that is not approved."""
        barber = await self.find(barber_id)
        if barber is None or not barber.is_approved:
            raise _no_barber()
        return barber

    async def find(self, barber_id: UUID) -> Barber | None:
        """Return None if the profile does not exist, for example because it was removed."""
        return self._cache.find(barber_id) or self._cache.store(await self._barbers.find(barber_id))

    async def list_by_ids(self, barber_ids: Sequence[UUID]) -> list[Barber]:
        """List the barbers that exist, approved or not, in any order, from the cache and by at most one query."""
        known = [barber for barber_id in barber_ids if (barber := self._cache.find(barber_id))]
        missing = set(barber_ids).difference(barber.id for barber in known)
        read = await self._barbers.list_by_ids(missing) if missing else []
        return known + [barber for one in read if (barber := self._cache.store(one))]

    def iter_within(self, centre: GeoPoint, radius_m: float) -> AsyncIterator[bytes]:
        """Yield every approved barber in a circle from the database, each a BarberMapEntry in BSON."""
        return self._barbers.iter_within(centre, radius_m)

    def iter_nearest(self, point: GeoPoint, from_m: float, to_m: float, batch: int) -> AsyncGenerator[list[bytes]]:
        """Yield batches of approved barbers between two distances, nearest first, each a BarberMapEntry in BSON."""
        return self._barbers.iter_nearest(point, from_m, to_m, batch)

    async def read(self, barber_id: UUID) -> BarberOut:
        """Return the profile as customers see it. Raises NotFound, also for a barber that is not approved."""
        return barber_out(await self.get_approved(barber_id))

    async def read_own(self, actor: Actor) -> BarberOut:
        """Return the actor's profile. Raises NotFound without a profile."""
        return barber_out(await self.get(actor.id))

    async def put_profile(self, actor: Actor, wanted: ProfileIn) -> BarberOut:
        """Create or change the actor's profile; a new one is offline, offers nothing and has no hours.

        Customers do not find it before an admin approves it, unless the settings approve it at once. Raises Invalid,
        and CurrencyInUse.
        """
        if wanted.timezone not in ZONES:
            raise Invalid("timezone", "is not an IANA time zone")
        await self._check_currency(actor, wanted.currency)
        now = self._clock()
        profile = Barber(
            id=actor.id,
            display_name=wanted.name,
            bio=wanted.bio,
            neighbourhood=wanted.neighbourhood,
            location=to_point(wanted.location),
            service_radius_km=wanted.service_radius_km,
            timezone=wanted.timezone,
            currency=wanted.currency,
            availability=CLOSED_WEEK,
            approval=self._first_approval,
            created_at=now,
            updated_at=now,
        )
        stored = await self._barbers.change_profile(profile, PROFILE_FIELDS)
        return await self._changed(stored or await self._add(profile))

    async def _check_currency(self, actor: Actor, currency: str) -> None:
        """Accept currencies in use, and the stored code of a profile even if it is not in use (any more)."""
        if currency not in currencies_in_use():
            stored = await self._barbers.find(actor.id)
            if stored is None or stored.currency != currency:
                raise Invalid("currency", NO_CURRENCY)

    async def _add(self, profile: Barber) -> Barber:
        """Add the profile, or change it if a concurrent request has added it."""

        async def add(transaction: Transaction) -> Barber:
            session = transaction.session
            stored = await self._barbers.change_profile(profile, PROFILE_FIELDS, session)
            return stored or await self._barbers.add_profile(session, profile)

        return await self._transactions.run(profile.id, add)

    async def apply_rating_change(
        self, transaction: Transaction, barber_id: UUID, *, removed: int | None = None, added: int | None = None
    ) -> None:
        """Update the rating within the transaction that writes a review.

        `removed` are the stars of the review before, `added` its stars afterwards; None without a review. Review and
        rating are stored together or not at all.
        """
        if removed == added:
            return
        rated = await self._barbers.apply_rating_change(transaction.session, barber_id, rating_delta(removed, added))
        if rated:
            transaction.on_commit(partial(self._changes.publish, BarberChange(rated)))

    async def set_approval(self, transaction: Transaction, barber_id: UUID, approval: Approval) -> None:
        """Store the approval as part of the transaction that writes the decision of an admin.

        A barber without a profile gets the approval with its next profile.
        """
        barber = await self._barbers.set_approval(transaction.session, barber_id, approval, self._clock())
        if barber:
            transaction.on_commit(partial(self._changes.publish, BarberChange(barber)))

    async def set_suspended(self, transaction: Transaction, barber_id: UUID, *, is_suspended: bool) -> None:
        """Take the barber's profile off, or put it back, in the transaction that suspends or restores the account."""
        now = self._clock()
        barber = await self._barbers.set_suspended(transaction.session, barber_id, now, is_suspended=is_suspended)
        if barber:
            transaction.on_commit(partial(self._changes.publish, BarberChange(barber)))

    async def rating_counts(self, barber_id: UUID) -> StarCounts:
        """Return the counts of all reviews from the database."""
        return await self._barbers.rating_counts(barber_id)

    async def remove(self, actor: Actor) -> None:
        """Remove the actor's profile. Raises NotFound without a profile."""
        barber = await self._barbers.remove(actor.id)
        if barber is None:
            raise NotFound
        await self._publish_removal(barber)

    async def close_shop(self, barber_id: UUID) -> None:
        """Remove the profile for good, if there is one.

        The relay publishes the loss of all offers to every process, even if this process dies before its own
        publication of the removal.
        """
        if not await self._barbers.set_field(barber_id, "services", [], self._clock()):
            return
        if barber := await self._barbers.remove(barber_id):
            await self._publish_removal(barber)

    async def _publish_removal(self, barber: Barber) -> None:
        last = msgspec.structs.replace(barber, version=barber.version + 1)
        await self._changes.publish(BarberChange(last, removed=True))

    async def put_offers(self, actor: Actor, wanted: OffersIn) -> BarberOut:
        """Replace the actor's offers.

        Raises Invalid for a service that is not in the catalogue or is given twice, CurrencyDiffers, and ProfileMissing
        if the actor has no profile.
        """
        known = await self._catalogue.find_many({offer.service_id for offer in wanted.services})
        offers: dict[UUID, OfferedService] = {}
        faults: Faults = []
        for index, offer in enumerate(wanted.services):
            path = f"services[{index}]"
            if offer.service_id not in known:
                faults.append((f"{path}.service_id", "is not in the catalogue"))
            elif offer.service_id in offers:
                faults.append((f"{path}.service_id", "is given twice"))
            else:
                try:
                    offers[offer.service_id] = _build_offer(offer, known[offer.service_id].name, path)
                except Invalid as refusal:
                    faults += refusal.faults
        if faults:
            raise refusal_of(faults)
        barber = await self._barbers.set_field(
            actor.id, "services", list(offers.values()), self._clock(), wanted.currency
        )
        if barber is None and wanted.currency and await self._barbers.find(actor.id):
            raise CurrencyDiffers
        if barber is None:
            raise ProfileMissing
        return await self._changed(barber)

    async def put_hours(self, actor: Actor, hours: WeeklyHours) -> BarberOut:
        """Replace the actor's weekly hours. Raises Invalid for each break that does not fit its day."""
        if wrong := validation_errors(hours):
            raise refusal_of(wrong)
        return await self._set(actor, "availability", hours)

    async def put_rules(self, actor: Actor, rules: BookingRules) -> BarberOut:
        return await self._set(actor, "rules", rules)

    async def put_house_calls(self, actor: Actor, rules: HouseCallRules) -> BarberOut:
        return await self._set(actor, "house_calls", rules)

    async def put_terms(self, actor: Actor, terms: Terms) -> BarberOut:
        """Replace the actor's terms. Existing bookings keep their terms."""
        return await self._set(actor, "terms", terms)

    async def put_deposit_rules(self, actor: Actor, rules: DepositRules) -> BarberOut:
        """Replace the actor's deposit rules. Raises Invalid for a service that is given twice."""
        wanted = [each.service_id for each in rules.services]
        twice = [index for index, service_id in enumerate(wanted) if service_id in wanted[:index]]
        if twice:
            raise refusal_of([(f"services[{index}].service_id", "is given twice") for index in twice])
        return await self._set(actor, "deposit_rules", rules)

    async def put_online(self, actor: Actor, *, is_online: bool) -> BarberOut:
        """Switch the actor on or off, and announce it around the actor's location. A repeat changes nothing."""
        while barber := await self._barbers.find(actor.id):
            if barber.is_online == is_online:
                return barber_out(barber)
            now = self._clock()
            fields: dict[str, object] = {"is_online": is_online}
            if notices := notices_of_switch(barber, now, is_online=is_online):
                fields["notice"] = notices
            if changed := await self._barbers.update_if_version(barber, fields, now):
                return await self._changed(changed)
        raise ProfileMissing

    async def _set(self, actor: Actor, name: str, value: object) -> BarberOut:
        barber = await self._barbers.set_field(actor.id, name, value, self._clock())
        if barber is None:
            raise ProfileMissing
        return await self._changed(barber)

    async def publish(self, barber: Barber) -> None:
        """Publish a written barber to all processes."""
        await self._changes.publish(BarberChange(barber))

    async def _changed(self, barber: Barber) -> BarberOut:
        await self.publish(barber)
        return barber_out(barber)


def _no_barber() -> NotFound:
    return NotFound("There is no such barber.", faults=(("barber_id", "is not the id of a barber"),))


def _build_offer(wanted: OfferIn, name: str, path: str) -> OfferedService:
    works = wanted.processing
    if works and works.after_min + works.duration_min >= wanted.duration_min:
        raise Invalid(f"{path}.processing", "must end before the service does")
    add_ons = [AddOn(extra.id or new_id(), extra.name, extra.price, extra.duration_min) for extra in wanted.add_ons]
    if len({extra.id for extra in add_ons}) < len(add_ons):
        raise Invalid(f"{path}.add_ons", "has an id twice")
    offer = OfferedService(wanted.service_id, name, wanted.price, wanted.duration_min, wanted.rules, works, add_ons)
    check_total_price(f"{path}.add_ons", [ChosenService(offer, add_ons)])
    return offer


def choose_services(
    barber: Barber, service_ids: Sequence[UUID], add_on_ids: Sequence[UUID] = ()
) -> list[ChosenService]:
    """Return the offered services with these ids, in this order and with these add-ons.

    Raises Invalid naming each id that is not offered or is given twice, or the limit of one visit that is exceeded.
    """
    offers = {offer.service_id: offer for offer in barber.services}
    _check_all_offered("service_ids", service_ids, offers)
    chosen = [offers[service_id] for service_id in service_ids]
    _check_all_offered("add_on_ids", add_on_ids, {extra.id for offer in chosen for extra in offer.add_ons})
    services = [ChosenService(offer, [extra for extra in offer.add_ons if extra.id in add_on_ids]) for offer in chosen]
    check_total_price("service_ids", services)
    return services


def try_choose_services(
    barber: Barber, service_ids: Sequence[UUID], add_on_ids: Sequence[UUID] = ()
) -> list[ChosenService]:
    """Return the result of `choose_services`, or an empty list if it raises Invalid."""
    try:
        return choose_services(barber, service_ids, add_on_ids)
    except Invalid:
        return []


def check_total_price(field: str, services: Sequence[ChosenService]) -> None:
    """Raises Invalid for `field` if the services cost more than the largest amount of money."""
    if price_of(services) > MOST_AMOUNT:
        raise Invalid(field, f"cost together more than {MOST_AMOUNT} minor units, add-ons included")


def _check_all_offered(field: str, wanted: Sequence[UUID], offered: Container[UUID]) -> None:
    faults = []
    for index, wanted_id in enumerate(wanted):
        if wanted_id not in offered:
            faults.append((f"{field}[{index}]", "is not offered by this barber"))
        elif wanted_id in wanted[:index]:
            faults.append((f"{field}[{index}]", "is given twice"))
    if faults:
        raise refusal_of(faults)
