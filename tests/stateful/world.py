"""Run the application beside the model, with the same shops, and read its state."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import hypothesis
import msgspec

from grome.availability.schemas import SlotQuery
from grome.availability.service import AvailabilityService
from grome.barbers.models import CancellationPolicy, Terms
from grome.barbers.schemas import OfferIn, OffersIn, ProfileIn
from grome.barbers.service import BarberService
from grome.bookings.jobs import close_overdue, expire_unanswered
from grome.bookings.reschedule import Rescheduler
from grome.bookings.schemas import OtherTimesQuery
from grome.catalogue.schemas import ServiceIn
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError
from grome.common.ids import new_id
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord, Event, EventType
from grome.nearby.schemas import NearbyPage, NearbyQuery
from grome.nearby.service import NearbyService
from grome.promos.redemptions import PromoRedemptions
from grome.promos.schemas import PromoIn
from grome.promos.service import PromoService
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours
from grome.scheduling.schemas import DaySlots
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import FreedTimeSearch
from tests.stateful import around
from tests.stateful.manual_clock import StoppedClock, moment
from tests.stateful.model import Model, Person, Promo
from tests.stateful.shops import Day, Offer, Shop, Wish
from tests.stateful.snapshot import Stored, minute_of, stored

_places = count()
_ENDS = {
    EventType.BOOKING_DECLINED,
    EventType.BOOKING_CANCELLED,
    EventType.BOOKING_EXPIRED,
    EventType.BOOKING_NO_SHOW,
}
_COLLECTIONS = ("bookings", "reviews", "promos", "promo_uses", "waitlist", "walk_ins", "services")
_CLOSED = DayHours(is_available=False, start_time="09:00", end_time="10:00")


class Told(NamedTuple):
    """Holds the answer to a command: `ok` with a value, or an error code with the messages of its faults."""

    code: str
    reasons: frozenset[str] = frozenset()
    value: Any = None

    def __str__(self) -> str:
        return f"{self.code} {' '.join(sorted(self.reasons))}".strip()


async def told(command: Awaitable[Any]) -> Told:
    try:
        return Told("ok", value=await command)
    except ApiError as refusal:
        return Told(refusal.code, frozenset(message for _, message in refusal.faults))


def actor_of(person: Person) -> Actor:
    return Actor(person.id, Role(person.role), person.id)


@dataclass
class World:
    """Holds the application and the model; effects were applied up to the history `versions`."""

    grome: Container
    clock: StoppedClock
    model: Model
    services: list[UUID]
    customers: list[Person]
    place: tuple[float, float]
    versions: dict[UUID, int] = field(default_factory=dict)
    followed: dict[UUID, Shop] = field(default_factory=dict)

    # -- The beginning and the end -------------------------------------------------------------------------------------

    @classmethod
    async def begin(cls, grome: Container, clock: StoppedClock, now: int, shops: list[Shop]) -> "World":
        clock.minute = now
        admin = Person("admin", new_id())
        wanted = [ServiceIn(f"Service {number}", "hair") for number in range(max(len(shop.offers) for shop in shops))]
        services = [(await grome.get(CatalogueService).create(actor_of(admin), one)).id for one in wanted]
        customers = [Person("customer", new_id()) for _ in range(4)]
        number = next(_places)
        place = (-60.0 + number // 300, -150.0 + number % 300)  # each world has one of its own
        world = cls(grome, clock, Model(now, shops, admin), services, customers, place)
        for shop in shops:
            await world._open(shop)
            world.followed[shop.id] = shop
        return world

    async def end(self) -> None:
        for name in _COLLECTIONS:
            await self.grome.database[name].delete_many({})
        for shop in self.model.shops:
            await self.grome.get(BarberService).remove(self.barber(shop))

    async def _open(self, shop: Shop) -> None:
        barbers, actor, (lat, lng) = self.grome.get(BarberService), self.barber(shop.id), self.place
        profile = {"name": "A shop", "location": {"lat": lat, "lng": lng}, "currency": "EUR"}
        await barbers.put_profile(actor, msgspec.convert({**profile, "timezone": shop.zone}, ProfileIn))
        offers = [self._offer(number, offer) for number, offer in enumerate(shop.offers)]
        await barbers.put_offers(actor, OffersIn(offers))
        await barbers.put_hours(actor, WeeklyHours(*[hours_of(day) or _CLOSED for day in shop.week]))
        await barbers.put_online(actor, is_online=True)
        await self.put_rules(shop)
        notices = {"cancel_notice_min": shop.notice_of_cancelling, "reschedule_notice_min": shop.notice_of_moving}
        await barbers.put_terms(actor, Terms(CancellationPolicy(**notices)))

    def _offer(self, number: int, offer: Offer) -> OfferIn:
        rules = {
            "buffer_before_min": offer.before,
            "buffer_after_min": offer.after,
            "daily_cap": offer.cap,
            "auto_accept": offer.auto,
        }
        gap = {"after_min": offer.gap[0], "duration_min": offer.gap[1] - offer.gap[0]} if offer.gap else None
        wanted = {"price": offer.price, "duration_min": offer.minutes, "rules": rules, "processing": gap}
        return msgspec.convert({"service_id": str(self.services[number]), **wanted}, OfferIn)

    async def put_rules(self, shop: Shop) -> None:
        rules = BookingRules(
            slot_step_min=shop.rules.step,
            min_notice_min=shop.rules.notice,
            horizon_days=shop.rules.horizon,
            buffer_before_min=shop.rules.before,
            buffer_after_min=shop.rules.after,
            daily_cap=shop.rules.cap,
            auto_accept=shop.rules.auto,
        )
        await self.grome.get(BarberService).put_rules(self.barber(shop.id), rules)

    async def make_promo(self, code: str, promo: Promo) -> None:
        wanted = PromoIn(code=code, percent=10, most_uses=promo.most, most_uses_each=promo.most_each)
        await self.grome.get(PromoService).create(actor_of(self.model.admin), wanted)
        self.model.promos[code] = promo

    def barber(self, shop: UUID) -> Actor:
        return actor_of(Person("barber", shop))

    def ids(self, offers: tuple[int, ...]) -> list[UUID]:
        return [self.services[number] for number in offers]

    # -- State ---------------------------------------------------------------------------------------------------------

    async def stored(self) -> Stored:
        return await stored(self.grome.database, self.services)

    async def day(self, wish: Wish, on: date, at: int | None = None) -> DaySlots:
        query = SlotQuery(
            first=on,
            last=on,
            service_ids=self.ids(wish.offers),
            explain=True,
            at=None if at is None else moment(at),
        )
        [day] = (await self.grome.get(AvailabilityService).list_slots(wish.shop.id, query)).days
        return day

    async def other_times(self, key: UUID, on: date) -> list[int]:
        """Return the starts on a date to which the visit can be rescheduled."""
        query, actor = OtherTimesQuery(first=on, last=on), actor_of(self.model.admin)
        [day] = (await self.grome.get(Rescheduler).list_slots(actor, key, query)).days
        return [minute_of(slot.start) for slot in day.slots]

    async def ratings(self, shop: UUID) -> list[tuple[float | None, int]]:
        """Return the rating in the profile and on the map."""
        lat, lng = self.place
        answer = await self.grome.get(NearbyService).search(NearbyQuery(lat=lat, lng=lng, radius_km=1))
        [found] = [one for one in msgspec.json.decode(answer.body, type=NearbyPage).items if one.id == shop]
        profile = await self.grome.get(BarberService).read(shop)
        return [(one.rating, one.reviews_count) for one in (profile, found)]

    # -- Effects -------------------------------------------------------------------------------------------------------

    async def run_jobs(self) -> None:
        """Run the jobs that run every minute."""
        await expire_unanswered({"container": self.grome})
        await close_overdue({"container": self.grome})
        self.model.run_out()
        await self.follow()
        await self.grome.get(WaitlistMatcher).reconcile()
        around.reconcile(self.model, await self._new_offers())
        await self.grome.get(PromoRedemptions).reap()

    async def follow(self) -> bool:
        """Apply the effects of new history entries until there are none, and return whether there were any."""
        rounds = 0
        while events := await self._new_events():
            rounds += 1
            await self.grome.get(PromoRedemptions).handle(events)
            for event in events:
                if event.type in _ENDS:
                    around.give_back(self.model, event.subject_id)
            for event in events:
                await self.grome.get(WaitlistMatcher).on_event(event)
                around.on_event(self.model, event.subject_id, event.version, await self._new_offers())
        return rounds > 0

    async def follow_shops(self) -> bool:
        """Apply the effects of changed rules and hours, and return whether there were any."""
        changed = [shop for shop in self.model.shops.values() if self.followed.get(shop.id) != shop]
        for shop in changed:
            self.followed[shop.id] = shop
            await self.grome.get(WaitlistMatcher).run_search(FreedTimeSearch(barber_id=shop.id))
            around.fill(self.model, shop.id, None, await self._new_offers())
        return bool(changed)

    async def _new_events(self) -> list[Event]:
        """Return the new events in the order of their writes."""
        found: list[Event] = []
        for document in await self.grome.database[BOOKINGS].find({}).to_list():
            seen = self.versions.get(document["_id"], 0)
            if document["version"] > seen:
                told_of = PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, self.clock()))
                found += [event for event in told_of if event.version > seen]
                self.versions[document["_id"]] = document["version"]
        return sorted(found, key=lambda event: event.id)

    async def _new_offers(self) -> around.NewId:
        """Return a function that finds new waitlist bookings by entry, start and shop."""
        if not self.model.waiting:
            return lambda *_: None
        wanted = {"origin": "waitlist", "_id": {"$nin": list(self.model.visits)}}
        bookings = await self.grome.database[BOOKINGS].find(wanted).to_list()
        entries = await self.grome.database["waitlist"].find({"state": "offered"}).to_list()
        by_booking = {entry["booking_id"]: entry["_id"] for entry in entries}
        offers: dict[tuple[UUID, int, UUID], UUID] = {
            (by_booking[one["_id"]], minute_of(one["scheduled_at"]), one["barber_id"]): one["_id"]
            for one in bookings
            if one["_id"] in by_booking
        }
        for _ in offers:
            hypothesis.event("Somebody on the waitlist is offered a time")
        return lambda *what: offers.get(what)


def hours_of(day: Day | None) -> DayHours | None:
    if day is None:
        return None
    breaks = [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in day.breaks]
    times = {"start_time": _clock(day.opens), "end_time": _clock(day.closes), "breaks": breaks}
    return msgspec.convert({"is_available": True, **times}, DayHours)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
