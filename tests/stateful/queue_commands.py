"""Define commands about the waitlist and the walk-in queue."""

from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from grome.common.geo import LatLng
from grome.common.ids import new_id
from grome.waitlist.schemas import AreaIn, EntryIn
from grome.waitlist.service import WaitlistService
from grome.walk_ins.schemas import GuestIn, SeatIn, WalkInIn
from grome.walk_ins.service import WalkInService
from tests.stateful import around
from tests.stateful.actions import NOBODY, OFFERS, PlannedCommand, shop_of
from tests.stateful.manual_clock import moment
from tests.stateful.model import Model, Person, Refused, Waiting, WalkIn
from tests.stateful.world import World, actor_of


@dataclass(frozen=True)
class JoinWaitlist:
    """Joins the waitlist of a shop, or of all shops nearby if `where` is None."""

    customer: int
    where: int | None
    offers: tuple[int, ...]
    begins: int
    hours: int

    @staticmethod
    def drawn(dice: Random) -> "JoinWaitlist":
        shop, offers = dice.choice([0, 1, None]), dice.choice(OFFERS)
        return JoinWaitlist(dice.randrange(4), shop, offers, dice.randrange(40), dice.choice([1, 6, 72]))

    def aimed(self, world: World) -> PlannedCommand | None:
        customer, model = world.customers[self.customer], world.model
        shop = None if self.where is None else shop_of(model, self.where).id
        earliest = model.now + self.begins * 60
        latest = earliest + self.hours * 60
        wanted = EntryIn(
            world.ids(self.offers),
            moment(earliest),
            moment(latest),
            barber_id=shop,
            area=None if shop else AreaIn(LatLng(*world.place), 5),
        )

        def expect(model: Model, entry: Any) -> None:
            waiting = Waiting(customer.id, shop, self.offers, earliest, latest, model.now)
            name, key = (entry.id, entry.booking_id) if entry else (NOBODY, NOBODY)
            around.join(model, name, waiting, key)

        return PlannedCommand(
            f"customer {self.customer} waits for {self.offers} from {moment(earliest):%d %H:%M}Z for {self.hours} h "
            f"at {'any shop' if self.where is None else f'shop {self.where}'}",
            lambda world: world.grome.get(WaitlistService).join(actor_of(customer), wanted),
            expect,
        )


@dataclass(frozen=True)
class LeaveWaitlist:
    nth: int

    @staticmethod
    def drawn(dice: Random) -> "LeaveWaitlist":
        return LeaveWaitlist(dice.randrange(32))

    def aimed(self, world: World) -> PlannedCommand | None:
        if not world.model.waiting:
            return None
        keys = list(world.model.waiting)
        key = keys[self.nth % len(keys)]
        customer = Person("customer", world.model.waiting[key].customer)
        return PlannedCommand(
            f"somebody waits no more ({keys.index(key)})",
            lambda world: world.grome.get(WaitlistService).leave(actor_of(customer), key),
            lambda model, _: around.leave(model, key),
        )


@dataclass(frozen=True)
class JoinQueue:
    """Joins the queue as a customer or a guest; the model accepts the product's answer about room."""

    customer: int | None
    shop: int
    offers: tuple[int, ...]

    @staticmethod
    def drawn(dice: Random) -> "JoinQueue":
        return JoinQueue(dice.choice([None, dice.randrange(4)]), dice.randrange(2), dice.choice(OFFERS))

    def aimed(self, world: World) -> PlannedCommand | None:
        shop = shop_of(world.model, self.shop)
        customer = None if self.customer is None else world.customers[self.customer]
        name = f"Guest {new_id()}"

        async def do(world: World) -> UUID:
            walk_ins, services = world.grome.get(WalkInService), world.ids(self.offers)
            if customer:
                return (await walk_ins.join(actor_of(customer), shop.id, WalkInIn(services))).id
            queue = await walk_ins.add_guest(world.barber(shop.id), GuestIn(name, services))
            [new] = [one.id for one in queue.items if one.name == name]
            return new

        def expect(model: Model, key: Any) -> None:
            now = model.shops[shop.id]
            day = now.day_of_opening(model.now)
            days = now.days_of_queue(model.now)
            if customer and {(shop.id, on, customer.id) for on in days} & {one[:3] for one in _waiting(model)}:
                raise Refused("in_queue_already|queue_full")
            if key is None:
                raise Refused("queue_full")
            who_waits = customer.id if customer else None
            model.walk_ins[key] = WalkIn(shop.id, day, who_waits, self.offers, joined=model.now)

        who = "a guest" if customer is None else f"customer {self.customer}"
        return PlannedCommand(f"{who} comes to {shop.zone} for {self.offers}", do, expect)


def _waiting(model: Model) -> list[WalkIn]:
    return [one for one in model.walk_ins.values() if one.state == "waiting"]


@dataclass(frozen=True)
class CallUp:
    """Seats a walk-in for the duration of the services or less, or ends it as left or missed."""

    what: str
    nth: int
    minutes: int | None

    @staticmethod
    def drawn(dice: Random) -> "CallUp":
        what = dice.choice(["seat", "seat", "seat", "seat", "left", "missed"])
        return CallUp(what, dice.randrange(32), dice.choice([None, None, 5, 20]))

    def aimed(self, world: World) -> PlannedCommand | None:
        model = world.model
        waiting = [key for key, one in model.walk_ins.items() if one.state == "waiting"]
        keys = list(model.walk_ins) if self.nth % 8 == 7 else waiting
        if not keys:
            return None
        key = keys[self.nth % len(keys)]
        one, walk_ins = model.walk_ins[key], world.grome.get(WalkInService)
        barber, customer = world.barber(one.shop), one.customer
        if self.what == "left" and customer is None:
            return None
        text = f"{self.what} walk-in {list(model.walk_ins).index(key)} {self.minutes or ''}"
        if self.what == "seat":
            return PlannedCommand(
                text,
                lambda _: walk_ins.seat(barber, key, SeatIn(self.minutes)),
                lambda model, booking: around.seat(model, key, booking.id if booking else None, self.minutes),
            )
        if self.what == "missed":
            return PlannedCommand(
                text, lambda _: walk_ins.mark_missed(barber, key), lambda m, _: around.drop_out(m, key, "missed")
            )
        leaving = actor_of(Person("customer", customer or NOBODY))
        return PlannedCommand(
            text, lambda _: walk_ins.leave(leaving, key), lambda m, _: around.drop_out(m, key, "left")
        )
