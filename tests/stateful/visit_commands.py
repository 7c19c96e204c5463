"""Define commands about visits: creation, transitions, reschedules, tips and reviews."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID

from grome.bookings.create import BookingCreator
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action
from grome.bookings.rebook import Rebooker
from grome.bookings.reschedule import Rescheduler
from grome.bookings.running_late import DelayShifter
from grome.bookings.schemas import BookingIn, CancelIn, LateOut, ProposalAnswerIn, RebookIn, RescheduleIn
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.bookings.undo import TransitionUndo
from grome.reviews.schemas import ReviewIn
from grome.reviews.service import ReviewService
from tests.stateful import around, model_reschedule
from tests.stateful.actions import (
    DAYS_AHEAD,
    NOBODY,
    OFFERS,
    PlannedCommand,
    aimed_at,
    any_start,
    free_start,
    named,
    person_by,
    shop_of,
)
from tests.stateful.manual_clock import moment
from tests.stateful.model import START_BEFORE, Model, Person, Promo
from tests.stateful.shops import Shop, Wish
from tests.stateful.snapshot import minute_of
from tests.stateful.world import World, actor_of

CODES = {"TWICE": Promo(2, None), "ONCE-EACH": Promo(None, 1), "BOTH": Promo(3, 2)}


_NEXT = {"requested": "accept", "accepted": "start", "in_progress": "complete"}


@dataclass(frozen=True)
class Create:
    """Books an offered time, mostly of few, or any time."""

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

    def aimed(self, world: World) -> PlannedCommand | None:
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

        return PlannedCommand(
            f"customer {self.customer} books {wish.offers} at {_at(wish.shop, start)} {code or ''}",
            lambda world: world.grome.get(BookingCreator).create(actor_of(customer), wanted, None),
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

    def aimed(self, world: World) -> PlannedCommand | None:
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

        return PlannedCommand(
            f"the customer of {named(model, key)} rebooks it at {_at(wish.shop, start)}",
            lambda world: world.grome.get(Rebooker).rebook(actor_of(customer), key, RebookIn(moment(start)), None),
            expect,
        )


@dataclass(frozen=True)
class Move:
    """Applies an action; `by` is a side of the visit, another customer, or an admin."""

    action: str
    by: str
    nth: int

    @staticmethod
    def drawn(dice: Random) -> "Move":
        moves = ["accept", "decline", "start", "complete", "no_show", "no_show", "undo", "undo"]
        action = dice.choice([*moves, "cancel", "cancel", "cancel"])
        sides = {"accept": 2, "decline": 2, "cancel": 4}
        by = dice.choice(["barber", "customer", "stranger", "admin"][: sides.get(action, 1)])
        return Move(action, by, dice.randrange(32))

    def aimed(self, world: World) -> PlannedCommand | None:
        key = aimed_at(world.model, self.nth, self._expect(world))
        # The model does not count the seats left for an undone no-show.
        if key is None or (self.action == "undo" and self._has_lost_seats(world.model, key)):
            return None
        return move(world, self._person(world, key), key, self.action)

    def _expect(self, world: World) -> Callable[[Model, UUID], None]:
        def expect(model: Model, key: UUID) -> None:
            does(model, self._person(world, key), key, self.action)

        return expect

    def _has_lost_seats(self, model: Model, key: UUID) -> bool:
        return model.visits[key].status == "cancelled" and bool(model.visits[key].kept[1])

    def _person(self, world: World, key: UUID) -> Person:
        return person_by(world, key, self.by)


def does(model: Model, person: Person, key: UUID, action: str) -> None:
    if action == "undo":
        model.undo(person, key)
    else:
        model.move(person, key, action)


def move(world: World, person: Person, key: UUID, action: str) -> PlannedCommand:
    def do(world: World) -> Awaitable[Any]:
        moves, actor = world.grome.get(BookingLifecycle), actor_of(person)
        if action == "undo":
            return world.grome.get(TransitionUndo).undo(actor, key)
        if action == "cancel":
            return moves.cancel(actor, key, CancelIn())
        return moves.apply_action(actor, key, Action(action))

    text = f"{person.role} does {action} with {named(world.model, key)}"
    return PlannedCommand(text, do, lambda model, _: does(model, person, key, action))


@dataclass(frozen=True)
class Forward:
    """Applies the ordinary next action, because few visits would be completed otherwise."""

    nth: int

    @staticmethod
    def drawn(dice: Random) -> "Forward":
        return Forward(dice.randrange(32))

    def aimed(self, world: World) -> PlannedCommand | None:
        model = world.model
        early = model.now + START_BEFORE
        open_ones = [
            key
            for key, visit in model.visits.items()
            if visit.status in _NEXT and (visit.status != "accepted" or visit.start <= early)
        ]
        if not open_ones:
            return None
        key = open_ones[self.nth % len(open_ones)]
        visit = model.visits[key]
        by = (visit.awaits or "barber") if visit.status == "requested" else "barber"
        return move(world, person_by(world, key, by), key, _NEXT[visit.status])


@dataclass(frozen=True)
class Tip:
    nth: int
    amount: int

    @staticmethod
    def drawn(dice: Random) -> "Tip":
        return Tip(dice.randrange(32), dice.choice([0, 200, 500]))

    def aimed(self, world: World) -> PlannedCommand | None:
        def person(key: UUID) -> Person:
            return person_by(world, key, "customer")

        key = aimed_at(world.model, self.nth, lambda model, one: model.tip(person(one), one, self.amount))
        if key is None:
            return None
        return PlannedCommand(
            f"a tip of {self.amount} for {named(world.model, key)}",
            lambda world: world.grome.get(TipsAndNotes).set_tip(actor_of(person(key)), key, self.amount),
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

    def aimed(self, world: World) -> PlannedCommand | None:
        key = aimed_at(
            world.model, self.nth, lambda model, one: self._expect(model, person_by(world, one, self.by), one)
        )
        if key is None:
            return None
        person = person_by(world, key, self.by)

        def do(world: World) -> Awaitable[Any]:
            reviews, actor, wanted = world.grome.get(ReviewService), actor_of(person), ReviewIn(self.stars)
            if self.what == "post":
                return reviews.post(actor, key, wanted, None)
            return reviews.edit(actor, key, wanted) if self.what == "edit" else reviews.remove(actor, key)

        text = f"{self.by} does {self.what} a review of {named(world.model, key)}, {self.stars} stars"
        return PlannedCommand(text, do, lambda model, _: self._expect(model, person, key))

    def _expect(self, model: Model, person: Person, key: UUID) -> None:
        if self.what == "remove":
            around.remove_review(model, person, key)
        else:
            change = around.review if self.what == "post" else around.edit_review
            change(model, person, key, self.stars)


@dataclass(frozen=True)
class Reschedule:
    """Reschedules to a free time or, for every third number, to any time."""

    by: str
    nth: int
    start: int

    @staticmethod
    def drawn(dice: Random) -> "Reschedule":
        by = dice.choice(["customer", "customer", "customer", "barber", "barber", "barber", "admin", "stranger"])
        return Reschedule(by, dice.randrange(32), dice.randrange(60))

    def aimed(self, world: World) -> PlannedCommand | None:
        model = world.model
        movable = [key for key, visit in model.visits.items() if visit.status in model_reschedule.MOVABLE]
        keys = list(model.visits) if self.nth % 8 == 7 else movable
        if not keys:
            return None
        key = keys[self.nth % len(keys)]
        visit, person = model.visits[key], person_by(world, key, self.by)
        if visit.proposal and self.start % 5 == 0:  # the proposed time of the other side
            start = visit.proposal.start
        elif self.start % 3 == 0:
            start = any_start(model, self.start)
        else:
            start = free_start(model, model_reschedule.wish_of(model, visit), self.start // 3)
        wanted = RescheduleIn(moment(start))
        return PlannedCommand(
            f"{self.by} moves {named(model, key)} to {_at(model.shops[visit.shop], start)}",
            lambda world: world.grome.get(Rescheduler).reschedule(actor_of(person), key, wanted),
            lambda model, _: model_reschedule.reschedule(model, person, key, start),
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

    def aimed(self, world: World) -> PlannedCommand | None:
        key = aimed_at(
            world.model, self.nth, lambda model, one: self._expect(model, person_by(world, one, self.by), one)
        )
        if key is None:
            return None
        person = person_by(world, key, self.by)

        def do(world: World) -> Awaitable[Any]:
            rescheduling, actor = world.grome.get(Rescheduler), actor_of(person)
            if self.what == "withdraw":
                return rescheduling.withdraw(actor, key)
            give = rescheduling.accept if self.what == "accept" else rescheduling.decline
            return give(actor, key, ProposalAnswerIn())

        text = f"{self.by} does {self.what} the proposal for {named(world.model, key)}"
        return PlannedCommand(text, do, lambda model, _: self._expect(model, person, key))

    def _expect(self, model: Model, person: Person, key: UUID) -> None:
        model_reschedule.answer(model, person, key, self.what)


@dataclass(frozen=True)
class Late:
    """Reports a delay; it writes one visit after the other, so it runs without concurrent commands."""

    nth: int
    minutes: int

    @staticmethod
    def drawn(dice: Random) -> "Late":
        return Late(dice.randrange(32), dice.choice([5, 15, 30, 90]))

    def aimed(self, world: World) -> PlannedCommand | None:
        nothing = list[model_reschedule.Later](), dict[UUID, int]()
        key = aimed_at(
            world.model, self.nth, lambda m, one: model_reschedule.late(m, self._barber(m, one), one, 5, nothing)
        )
        if key is None:
            return None
        person = self._barber(world.model, key)

        def expect(model: Model, told: LateOut | None) -> None:
            shifted = [
                model_reschedule.Later(each.booking_id, minute_of(each.scheduled_at), minute_of(each.ends_at))
                for each in (told.shifted if told else ())
            ]
            proposed = {
                each.booking_id: minute_of(each.proposed) for each in (told.clashes if told else ()) if each.proposed
            }
            model_reschedule.late(model, person, key, self.minutes, (shifted, proposed))
            assert told is None or model.visits[key].late == told.late_min

        return PlannedCommand(
            f"{named(world.model, key)} is {self.minutes} minutes late",
            lambda world: world.grome.get(DelayShifter).shift(actor_of(person), key, self.minutes),
            expect,
        )

    def _barber(self, model: Model, key: UUID) -> Person:
        return Person("barber", model.visits[key].shop)
