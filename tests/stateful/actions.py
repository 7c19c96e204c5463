"""Define planned commands with their target, their request and their effect on the model."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from tests.stateful.model import Model, Person, Refused
from tests.stateful.shops import TICK, Shop, Wish
from tests.stateful.world import World

NOBODY = UUID(int=0)


OFFERS = [(0,), (1,), (0, 1), (2,)]


DAYS_AHEAD = 3


@dataclass(frozen=True)
class PlannedCommand:
    """Holds a command with its target: `do` sends it, and `expect` applies it to the model, given the answer.

    If it `sets` something, concurrent commands may see the old or the new value.
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
    def aimed(self, world: World) -> PlannedCommand | None: ...


def named(model: Model, key: UUID) -> str:
    return f"visit {list(model.visits).index(key)}"


def aimed_at(model: Model, nth: int, would: Callable[[Model, UUID], None]) -> UUID | None:
    """Return the nth visit that allows the command, or for every eighth number the nth of all visits."""

    def is_allowed(key: UUID) -> bool:
        try:
            would(model.copy(), key)
        except Refused:
            return False
        return True

    pool = [key for key in model.visits if nth % 8 == 7 or is_allowed(key)]
    return pool[nth % len(pool)] if pool else None


def offered(model: Model, wish: Wish, begin: int, end: int) -> Iterator[int]:
    """Iterate the bookable starts of a span according to the model."""
    taken, seats = model.taken(wish.shop.id), model.seats(wish.shop.id)
    starts = range(-(-max(begin, model.now) // TICK) * TICK, end, TICK)
    return (start for start in starts if not wish.objections(start, model.now, taken, seats))


def free_start(model: Model, wish: Wish, nth: int) -> int:
    """Return one of the next free starts, or any time if there is none."""
    starts = list(islice(offered(model, wish, model.now, model.now + DAYS_AHEAD * 24 * 60), nth + 1))
    return starts[-1] if starts else any_start(model, nth)


def any_start(model: Model, number: int) -> int:
    """Return any start; some starts are not on a tick."""
    return model.now // TICK * TICK + number * TICK + (number % 7 == 0) * 2


def shop_of(model: Model, number: int) -> Shop:
    shops = list(model.shops.values())
    return shops[number % len(shops)]


def person_by(world: World, key: UUID, by: str) -> Person:
    visit = world.model.visits[key]
    if by == "barber":
        return Person("barber", visit.shop)
    if by == "admin":
        return world.model.admin
    if by == "customer" and visit.customer:
        return Person("customer", visit.customer)
    return next(one for one in world.customers if one.id != visit.customer)
