"""What customers, barbers and Grome do: each command as it is drawn, as it is sent, and as the model takes it.

A command is drawn with small numbers, which it aims at what is there when its turn comes. One more command is one more
class in `COMMANDS`.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Any, Protocol
from uuid import UUID

from hypothesis import strategies as st

from grome.barbers.schemas import LatLng, TimeOffIn
from grome.bookings.models import Action
from grome.bookings.schemas import BookingIn, CancelIn, LateOut, ProposalAnswerIn, RebookIn, RescheduleIn
from grome.common.ids import new_id
from grome.reviews.schemas import ReviewIn
from grome.waitlist.schemas import AreaIn, EntryIn
from grome.walkins.schemas import GuestIn, SeatIn, WalkInIn
from tests.stateful import around, moving
from tests.stateful.model import Model, Person, Promo, Refused, Waiting, WalkIn
from tests.stateful.shops import TICK, Day, Rules, Shop, Wish
from tests.stateful.stopped import moment
from tests.stateful.stored import minute_of
from tests.stateful.world import World, actor_of, hours_of

NOBODY = UUID(int=0)
OFFERS = [(0,), (1,), (0, 1), (2,)]
DAYS_AHEAD = 3
CODES = {"TWICE": Promo(2, None), "ONCE-EACH": Promo(None, 1), "BOTH": Promo(3, 2)}
_NEXT = {"requested": "accept", "accepted": "start", "in_progress": "complete"}


@dataclass(frozen=True)
class Deed:
    """A command with its aim: `do` sends it, and `expect` does it to the model, given what it was answered.

    Where it `sets` something, what is done at the same moment may know it or not.
    """

    text: str
    do: Callable[[World], Awaitable[Any]]
    expect: Callable[[Model, Any], None]
    sets: bool = False
    code: str | None = None
    is_contested: bool = False
    with_jobs: bool = False
    kind: str = ""


class Command(Protocol):
    def aimed(self, world: World) -> Deed | None: ...


def named(model: Model, key: UUID) -> str:
    return f"visit {list(model.visits).index(key)}"


def aimed_at(model: Model, nth: int, would: Callable[[Model, UUID], None]) -> UUID | None:
    """The nth visit that allows it; with every eighth number the nth of all, which mostly do not."""

    def is_allowed(key: UUID) -> bool:
        try:
            would(model.copy(), key)
        except Refused:
            return False
        return True

    pool = [key for key in model.visits if nth % 8 == 7 or is_allowed(key)]
    return pool[nth % len(pool)] if pool else None


def offered(model: Model, wish: Wish, begin: int, end: int) -> Iterator[int]:
    """Every start in a span of time that ought to be bookable."""
    taken, seats = model.taken(wish.shop.id), model.seats(wish.shop.id)
    starts = range(-(-max(begin, model.now) // TICK) * TICK, end, TICK)
    return (start for start in starts if not wish.objections(start, model.now, taken, seats))


def free_start(model: Model, wish: Wish, nth: int) -> int:
    """One of the next; any time where none is free."""
    starts = list(islice(offered(model, wish, model.now, model.now + DAYS_AHEAD * 24 * 60), nth + 1))
    return starts[-1] if starts else any_start(model, nth)


def any_start(model: Model, number: int) -> int:
    """Some of them are on no tick."""
    return model.now // TICK * TICK + number * TICK + (number % 7 == 0) * 2


def shop_of(model: Model, number: int) -> Shop:
    shops = list(model.shops.values())
    return shops[number % len(shops)]


@dataclass(frozen=True)
class Create:
    """At an offered time, mostly one of few, or at any time whatever."""

    customer: int
    shop: int
    offers: tuple[int, ...]
    nth: int
    anywhere: int | None
    code: str | None

    @staticmethod
    def drawn(dice: Random) -> "Create":
        anywhere = dice.choice([None, None, dice.randrange(DAYS_AHEAD * 288)])
        code = dice.choice([None, None, *sorted(CODES)])
        return Create(dice.randrange(4), dice.randrange(2), dice.choice(OFFERS), dice.randrange(40), anywhere, code)

    def aimed(self, world: World) -> Deed | None:
        wish = Wish(shop_of(world.model, self.shop), self.offers)
        anywhere, model = self.anywhere, world.model
        start = free_start(model, wish, self.nth) if anywhere is None else any_start(model, anywhere)
        customer, code = world.customers[self.customer], self.code
        wanted = BookingIn(wish.shop.id, world.ids(wish.offers), moment(start), promo_code=code)

        def expect(model: Model, booking: Any) -> None:
            now, made = Wish(model.shops[wish.shop.id], wish.offers), booking.id if booking else NOBODY
            if code:
                around.create_with(model, made, customer.id, now, start, code)
            else:
                model.create(made, customer.id, now, start)

        return Deed(
            f"customer {self.customer} books {wish.offers} at {_at(wish.shop, start)} {code or ''}",
            lambda world: world.grome.booking_creation.create(actor_of(customer), wanted, None),
            expect,
            code=code,
        )


def _at(shop: Shop, start: int) -> str:
    return f"{moment(start):%d %H:%M}Z of {shop.zone}"


@dataclass(frozen=True)
class Rebook:
    nth: int
    start: int

    @staticmethod
    def drawn(dice: Random) -> "Rebook":
        return Rebook(dice.randrange(32), dice.randrange(40))

    def aimed(self, world: World) -> Deed | None:
        model = world.model
        own = [key for key, visit in model.visits.items() if visit.customer]
        if not own:
            return None
        key = own[self.nth % len(own)]
        visit = model.visits[key]
        wish = Wish(model.shops[visit.shop], visit.offers)
        start = free_start(model, wish, self.start)
        customer = Person("customer", visit.customer or NOBODY)

        def expect(model: Model, booking: Any) -> None:
            now = Wish(model.shops[visit.shop], visit.offers)
            made = booking.id if booking else NOBODY
            model.create(made, customer.id, now, start)
            model.visits[made] = replace(model.visits[made], origin="rebook")

        return Deed(
            f"the customer of {named(model, key)} rebooks it at {_at(wish.shop, start)}",
            lambda world: world.grome.rebooking.rebook(actor_of(customer), key, RebookIn(moment(start)), None),
            expect,
        )


@dataclass(frozen=True)
class Move:
    """`by` is one of the visit's two sides, somebody else or an admin."""

    action: str
    by: str
    nth: int

    @staticmethod
    def drawn(dice: Random) -> "Move":
        action = dice.choice(["accept", "decline", "start", "complete", "no_show", "cancel", "cancel", "cancel"])
        sides = {"accept": 2, "decline": 2, "cancel": 4}
        by = dice.choice(["barber", "customer", "stranger", "admin"][: sides.get(action, 1)])
        return Move(action, by, dice.randrange(32))

    def aimed(self, world: World) -> Deed | None:
        key = aimed_at(world.model, self.nth, lambda model, one: model.move(self._person(world, one), one, self.action))
        if key is None:
            return None
        return move(world, self._person(world, key), key, self.action)

    def _person(self, world: World, key: UUID) -> Person:
        return person_by(world, key, self.by)


def move(world: World, person: Person, key: UUID, action: str) -> Deed:
    def do(world: World) -> Awaitable[Any]:
        moves, actor = world.grome.booking_moves, actor_of(person)
        if action == "cancel":
            return moves.cancel(actor, key, CancelIn())
        return moves.move(actor, key, Action(action))

    text = f"{person.role} does {action} with {named(world.model, key)}"
    return Deed(text, do, lambda model, _: model.move(person, key, action))


@dataclass(frozen=True)
class Forward:
    """The ordinary next thing: accepted, begun, over. Without it few visits would come so far."""

    nth: int

    @staticmethod
    def drawn(dice: Random) -> "Forward":
        return Forward(dice.randrange(32))

    def aimed(self, world: World) -> Deed | None:
        model = world.model
        open_ones = [key for key, visit in model.visits.items() if visit.status in _NEXT]
        if not open_ones:
            return None
        key = open_ones[self.nth % len(open_ones)]
        visit = model.visits[key]
        by = (visit.awaits or "barber") if visit.status == "requested" else "barber"
        return move(world, person_by(world, key, by), key, _NEXT[visit.status])


def person_by(world: World, key: UUID, by: str) -> Person:
    visit = world.model.visits[key]
    if by == "barber":
        return Person("barber", visit.shop)
    if by == "admin":
        return world.model.admin
    if by == "customer" and visit.customer:
        return Person("customer", visit.customer)
    return next(one for one in world.customers if one.id != visit.customer)


@dataclass(frozen=True)
class Tip:
    nth: int
    amount: int

    @staticmethod
    def drawn(dice: Random) -> "Tip":
        return Tip(dice.randrange(32), dice.choice([0, 200, 500]))

    def aimed(self, world: World) -> Deed | None:
        def person(key: UUID) -> Person:
            return person_by(world, key, "customer")

        key = aimed_at(world.model, self.nth, lambda model, one: model.tip(person(one), one, self.amount))
        if key is None:
            return None
        return Deed(
            f"a tip of {self.amount} for {named(world.model, key)}",
            lambda world: world.grome.booking_extras.tip(actor_of(person(key)), key, self.amount),
            lambda model, _: model.tip(person(key), key, self.amount),
        )


@dataclass(frozen=True)
class Review:
    what: str
    by: str
    nth: int
    stars: int

    @staticmethod
    def drawn(dice: Random) -> "Review":
        what = dice.choice(["post", "post", "edit", "remove"])
        by = dice.choice(["customer", "customer", "customer", "stranger", "admin" if what == "remove" else "customer"])
        return Review(what, by, dice.randrange(32), dice.randint(1, 5))

    def aimed(self, world: World) -> Deed | None:
        key = aimed_at(
            world.model, self.nth, lambda model, one: self._expect(model, person_by(world, one, self.by), one)
        )
        if key is None:
            return None
        person = person_by(world, key, self.by)

        def do(world: World) -> Awaitable[Any]:
            reviews, actor, wanted = world.grome.reviews, actor_of(person), ReviewIn(self.stars)
            if self.what == "post":
                return reviews.post(actor, key, wanted, None)
            return reviews.edit(actor, key, wanted) if self.what == "edit" else reviews.remove(actor, key)

        text = f"{self.by} does {self.what} a review of {named(world.model, key)}, {self.stars} stars"
        return Deed(text, do, lambda model, _: self._expect(model, person, key))

    def _expect(self, model: Model, person: Person, key: UUID) -> None:
        if self.what == "remove":
            around.remove_review(model, person, key)
        else:
            change = around.review if self.what == "post" else around.edit_review
            change(model, person, key, self.stars)


# -- Another time -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reschedule:
    """To a time that is free for it or, for every third number, to any."""

    by: str
    nth: int
    start: int

    @staticmethod
    def drawn(dice: Random) -> "Reschedule":
        by = dice.choice(["customer", "customer", "customer", "barber", "barber", "barber", "admin", "stranger"])
        return Reschedule(by, dice.randrange(32), dice.randrange(60))

    def aimed(self, world: World) -> Deed | None:
        model = world.model
        movable = [key for key, visit in model.visits.items() if visit.status in moving.MOVABLE]
        keys = list(model.visits) if self.nth % 8 == 7 else movable
        if not keys:
            return None
        key = keys[self.nth % len(keys)]
        visit, person = model.visits[key], person_by(world, key, self.by)
        if visit.proposal and self.start % 5 == 0:  # what the other side proposes
            start = visit.proposal.start
        elif self.start % 3 == 0:
            start = any_start(model, self.start)
        else:
            start = free_start(model, moving.wish_of(model, visit), self.start // 3)
        wanted = RescheduleIn(moment(start))
        return Deed(
            f"{self.by} moves {named(model, key)} to {_at(model.shops[visit.shop], start)}",
            lambda world: world.grome.rescheduling.reschedule(actor_of(person), key, wanted),
            lambda model, _: moving.reschedule(model, person, key, start),
        )


@dataclass(frozen=True)
class AnswerProposal:
    what: str
    by: str
    nth: int

    @staticmethod
    def drawn(dice: Random) -> "AnswerProposal":
        what, by = dice.choice(["accept", "reject", "withdraw"]), dice.choice(["customer", "barber"])
        return AnswerProposal(what, by, dice.randrange(32))

    def aimed(self, world: World) -> Deed | None:
        key = aimed_at(
            world.model, self.nth, lambda model, one: self._expect(model, person_by(world, one, self.by), one)
        )
        if key is None:
            return None
        person = person_by(world, key, self.by)

        def do(world: World) -> Awaitable[Any]:
            rescheduling, actor = world.grome.rescheduling, actor_of(person)
            if self.what == "withdraw":
                return rescheduling.withdraw(actor, key)
            give = rescheduling.accept if self.what == "accept" else rescheduling.decline
            return give(actor, key, ProposalAnswerIn())

        text = f"{self.by} does {self.what} the proposal for {named(world.model, key)}"
        return Deed(text, do, lambda model, _: self._expect(model, person, key))

    def _expect(self, model: Model, person: Person, key: UUID) -> None:
        moving.answer(model, person, key, self.what)


@dataclass(frozen=True)
class Late:
    """One visit after the other is written, so nothing else is done meanwhile."""

    nth: int
    minutes: int

    @staticmethod
    def drawn(dice: Random) -> "Late":
        return Late(dice.randrange(32), dice.choice([5, 15, 30, 90]))

    def aimed(self, world: World) -> Deed | None:
        nothing = list[moving.Later](), dict[UUID, int]()
        key = aimed_at(world.model, self.nth, lambda m, one: moving.late(m, self._barber(m, one), one, 5, nothing))
        if key is None:
            return None
        person = self._barber(world.model, key)

        def expect(model: Model, told: LateOut | None) -> None:
            shifted = [
                moving.Later(each.booking_id, minute_of(each.scheduled_at), minute_of(each.ends_at))
                for each in (told.shifted if told else ())
            ]
            proposed = {
                each.booking_id: minute_of(each.proposed) for each in (told.clashes if told else ()) if each.proposed
            }
            moving.late(model, person, key, self.minutes, (shifted, proposed))
            assert told is None or model.visits[key].late == told.late_min

        return Deed(
            f"{named(world.model, key)} is {self.minutes} minutes late",
            lambda world: world.grome.running_late.shift(actor_of(person), key, self.minutes),
            expect,
        )

    def _barber(self, model: Model, key: UUID) -> Person:
        return Person("barber", model.visits[key].shop)


# -- What barbers set --------------------------------------------------------------------------------------------------

RULES = [
    Rules(),
    Rules(step=30, before=10, after=5),
    Rules(step=5, after=15, auto=False),
    Rules(step=20, cap=1),
    Rules(step=15, notice=60, cap=4, auto=False),
    Rules(horizon=1, before=30),
]
OVERRIDES = [None, Day(10 * 60, 12 * 60), Day(22 * 60, 26 * 60, ((24 * 60, 24 * 60 + 30),)), Day(0, 24 * 60)]


@dataclass(frozen=True)
class PutRules:
    shop: int
    rules: Rules

    @staticmethod
    def drawn(dice: Random) -> "PutRules":
        return PutRules(dice.randrange(2), dice.choice(RULES))

    def aimed(self, world: World) -> Deed | None:
        shop = shop_of(world.model, self.shop)

        def expect(model: Model, _: object) -> None:
            model.shops[shop.id] = replace(model.shops[shop.id], rules=self.rules)

        text = f"{shop.zone} gets {self.rules}"
        return Deed(text, lambda world: world.put_rules(replace(shop, rules=self.rules)), expect, sets=True)


@dataclass(frozen=True)
class Override:
    shop: int
    days: int
    day: Day | None

    @staticmethod
    def drawn(dice: Random) -> "Override":
        return Override(dice.randrange(2), dice.randint(0, DAYS_AHEAD), dice.choice(OVERRIDES))

    def aimed(self, world: World) -> Deed | None:
        shop = shop_of(world.model, self.shop)
        on = shop.date_of(world.model.now) + timedelta(days=self.days)

        def expect(model: Model, _: object) -> None:
            now = model.shops[shop.id]
            model.shops[shop.id] = replace(now, overrides={**now.overrides, on: self.day})

        return Deed(
            f"{shop.zone} has {self.day} on {on}",
            lambda world: world.grome.openings.put_override(world.barber(shop.id), on, hours_of(self.day)),
            expect,
            sets=True,
        )


@dataclass(frozen=True)
class TakeTimeOff:
    """For some minutes, on ticks or not, or take back the latest one."""

    shop: int
    begins: int
    minutes: int

    @staticmethod
    def drawn(dice: Random) -> "TakeTimeOff":
        return TakeTimeOff(dice.randrange(2), dice.randrange(2 * 24 * 60), dice.choice([0, 7, 60, 600]))

    def aimed(self, world: World) -> Deed | None:
        shop = shop_of(world.model, self.shop)
        begins = world.model.now + self.begins
        if self.minutes:
            return self._add(shop, begins, begins + self.minutes)
        return self._remove(shop, list(shop.time_off)[-1]) if shop.time_off else None

    def _add(self, shop: Shop, begins: int, ends: int) -> Deed:
        def expect(model: Model, made: Any) -> None:
            now = model.shops[shop.id]
            key = made.id if made else NOBODY
            model.shops[shop.id] = replace(now, time_off={**now.time_off, key: (begins, ends)})

        wanted = TimeOffIn(moment(begins), moment(ends))
        return Deed(
            f"{shop.zone} is away from {moment(begins):%d %H:%M}Z to {moment(ends):%d %H:%M}Z",
            lambda world: world.grome.openings.add_time_off(world.barber(shop.id), wanted),
            expect,
            sets=True,
        )

    def _remove(self, shop: Shop, key: UUID) -> Deed:
        def expect(model: Model, _: object) -> None:
            now = model.shops[shop.id]
            if key not in now.time_off:
                raise Refused("not_found")
            left = {name: off for name, off in now.time_off.items() if name != key}
            model.shops[shop.id] = replace(now, time_off=left)

        return Deed(
            f"{shop.zone} is there after all",
            lambda world: world.grome.openings.remove_time_off(world.barber(shop.id), key),
            expect,
            sets=True,
        )


# -- The waitlist and the queue ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JoinWaitlist:
    """For one shop, or with None for whoever is near."""

    customer: int
    where: int | None
    offers: tuple[int, ...]
    begins: int
    hours: int

    @staticmethod
    def drawn(dice: Random) -> "JoinWaitlist":
        shop, offers = dice.choice([0, 1, None]), dice.choice(OFFERS)
        return JoinWaitlist(dice.randrange(4), shop, offers, dice.randrange(40), dice.choice([1, 6, 72]))

    def aimed(self, world: World) -> Deed | None:
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
            model.waiting[entry.id if entry else NOBODY] = waiting

        return Deed(
            f"customer {self.customer} waits for {self.offers} from {moment(earliest):%d %H:%M}Z for {self.hours} h "
            f"at {'any shop' if self.where is None else f'shop {self.where}'}",
            lambda world: world.grome.waitlist.join(actor_of(customer), wanted),
            expect,
        )


@dataclass(frozen=True)
class LeaveWaitlist:
    nth: int

    @staticmethod
    def drawn(dice: Random) -> "LeaveWaitlist":
        return LeaveWaitlist(dice.randrange(32))

    def aimed(self, world: World) -> Deed | None:
        if not world.model.waiting:
            return None
        keys = list(world.model.waiting)
        key = keys[self.nth % len(keys)]
        customer = Person("customer", world.model.waiting[key].customer)
        return Deed(
            f"somebody waits no more ({keys.index(key)})",
            lambda world: world.grome.waitlist.leave(actor_of(customer), key),
            lambda model, _: around.leave(model, key),
        )


@dataclass(frozen=True)
class JoinQueue:
    """As a customer, or as a guest of whom the barber knows a name. Whether there is room is the product's estimate."""

    customer: int | None
    shop: int
    offers: tuple[int, ...]

    @staticmethod
    def drawn(dice: Random) -> "JoinQueue":
        return JoinQueue(dice.choice([None, dice.randrange(4)]), dice.randrange(2), dice.choice(OFFERS))

    def aimed(self, world: World) -> Deed | None:
        shop = shop_of(world.model, self.shop)
        customer = None if self.customer is None else world.customers[self.customer]
        name = f"Guest {new_id()}"

        async def do(world: World) -> UUID:
            walk_ins, services = world.grome.walk_ins, world.ids(self.offers)
            if customer:
                return (await walk_ins.join(actor_of(customer), shop.id, WalkInIn(services))).id
            queue = await walk_ins.add_guest(world.barber(shop.id), GuestIn(name, services))
            [new] = [one.id for one in queue.items if one.name == name]
            return new

        def expect(model: Model, key: Any) -> None:
            day = shop.date_of(model.now)
            if customer and (shop.id, day, customer.id) in {one[:3] for one in _waiting(model)}:
                raise Refused("in_queue_already|queue_full")
            if key is None:
                raise Refused("queue_full")
            model.walk_ins[key] = WalkIn(shop.id, day, customer.id if customer else None, self.offers)

        who = "a guest" if customer is None else f"customer {self.customer}"
        return Deed(f"{who} comes to {shop.zone} for {self.offers}", do, expect)


def _waiting(model: Model) -> list[WalkIn]:
    return [one for one in model.walk_ins.values() if one.state == "waiting"]


@dataclass(frozen=True)
class CallUp:
    """Seat somebody of the queue, for as long as the services take or less, or find them gone."""

    what: str
    nth: int
    minutes: int | None

    @staticmethod
    def drawn(dice: Random) -> "CallUp":
        what = dice.choice(["seat", "seat", "seat", "seat", "left", "missed"])
        return CallUp(what, dice.randrange(32), dice.choice([None, None, 5, 20]))

    def aimed(self, world: World) -> Deed | None:
        model = world.model
        waiting = [key for key, one in model.walk_ins.items() if one.state == "waiting"]
        keys = list(model.walk_ins) if self.nth % 8 == 7 else waiting
        if not keys:
            return None
        key = keys[self.nth % len(keys)]
        one, walk_ins = model.walk_ins[key], world.grome.walk_ins
        barber, customer = world.barber(one.shop), one.customer
        if self.what == "left" and customer is None:
            return None
        text = f"{self.what} walk-in {list(model.walk_ins).index(key)} {self.minutes or ''}"
        if self.what == "seat":
            return Deed(
                text,
                lambda _: walk_ins.seat(barber, key, SeatIn(self.minutes)),
                lambda model, booking: around.seat(model, key, booking.id if booking else None, self.minutes),
            )
        if self.what == "missed":
            return Deed(text, lambda _: walk_ins.miss(barber, key), lambda m, _: around.drop_out(m, key, "missed"))
        leaving = actor_of(Person("customer", customer or NOBODY))
        return Deed(text, lambda _: walk_ins.leave(leaving, key), lambda m, _: around.drop_out(m, key, "left"))


@dataclass(frozen=True)
class Wait:
    """Of what is done at one moment everything is done by the same clock, so time goes by between."""

    minutes: int
    with_jobs: bool

    @staticmethod
    def drawn(dice: Random) -> "Wait":
        return Wait(dice.choice([1, 7, 10, 30, 60, 125, 720, 1440]), dice.choice([True, True, False]))

    def aimed(self, world: World) -> Deed:
        def expect(model: Model, _: object) -> None:
            model.now += self.minutes

        async def do(world: World) -> None:
            world.clock.minute += self.minutes

        then = moment(world.model.now + self.minutes)
        text = f"{self.minutes} minutes go by, it is {then:%d %H:%M}Z, jobs {'run' if self.with_jobs else 'wait'}"
        return Deed(text, do, expect, with_jobs=self.with_jobs)


COMMANDS: list[tuple[int, type[Any]]] = [
    (12, Create),
    (1, Rebook),
    (10, Move),
    (12, Forward),
    (9, Reschedule),
    (7, AnswerProposal),
    (2, Tip),
    (8, Review),
    (2, PutRules),
    (1, Override),
    (1, TakeTimeOff),
    (3, JoinWaitlist),
    (1, LeaveWaitlist),
    (4, JoinQueue),
    (5, CallUp),
    (4, Late),
    (9, Wait),
]


ALONE = {Wait, Late}
_AIMS = ("shop", "offers", "nth", "start", "anywhere")


def drawn(numbers: Sequence[int]) -> list[Command]:
    """The same commands for the same numbers; none for 0, to which Hypothesis comes where a command does not matter.

    Of several at once, half the time all aim at the same.
    """
    dices = [Random(number) for number in numbers if number]  # noqa: S311 -- reproducible, and no secret
    commands = [_drawn(dice) for dice in dices]
    if len(commands) > 1:
        commands = [command for command in commands if type(command) not in ALONE]
    return [_beside(command, commands[0]) for command in commands] if sum(numbers) % 2 else commands


def _drawn(dice: Random) -> Any:
    [kind] = dice.choices([kind for _, kind in COMMANDS], [often for often, _ in COMMANDS])
    return kind.drawn(dice)


def _beside(command: Any, other: Any) -> Any:
    same = {name: getattr(other, name) for name in _AIMS if hasattr(command, name) and hasattr(other, name)}
    return replace(command, **same)


def course(least: int, most: int) -> st.SearchStrategy[list[list[int]]]:
    """Steps of one command or of several at once, each by its number: Hypothesis can take away any of them."""
    number = st.integers(0, 2**40)
    alone, together = st.lists(number, min_size=1, max_size=1), st.lists(number, min_size=2, max_size=6)
    return st.lists(st.one_of(alone, alone, together), min_size=least, max_size=most)
