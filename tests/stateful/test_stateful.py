"""Everything at once, against a model: whatever is done in whatever order, Grome is where it ought to be."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, note, settings

from grome.composition import AppContext
from tests.stateful import around
from tests.stateful.actions import OFFERS, Command, Deed, offered
from tests.stateful.commands import course, drawn
from tests.stateful.manual_clock import StoppedClock, moment
from tests.stateful.model import Model, Refused
from tests.stateful.model_reschedule import MOVABLE, wish_of
from tests.stateful.shops import TICK, Wish
from tests.stateful.snapshot import Stored, as_modelled, minute_of
from tests.stateful.strategies import Plan, plans
from tests.stateful.visit_commands import CODES
from tests.stateful.world import Told, World, told

LEAST_STEPS, MOST_STEPS = 20, 50
PROFILE = settings.get_current_profile_name()
LEGAL = {
    "requested": {"requested", "accepted", "cancelled"},
    "accepted": {"accepted", "in_progress", "cancelled"},
    "in_progress": {"in_progress", "completed", "accepted"},
    "completed": {"completed"},
    "cancelled": {"accepted"},  # a no-show that was undone
}


@settings(
    parent=settings.get_profile(PROFILE if PROFILE in {"hunt", "shrink"} else "brief"),
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans(), numbers=course(LEAST_STEPS, MOST_STEPS))
async def test_it_is_where_it_ought_to_be(
    grome: AppContext, stopped: StoppedClock, plan: Plan, numbers: list[list[int]]
) -> None:
    world = await World.begin(grome, stopped, plan.now, plan.open())
    try:
        for code, promo in CODES.items():
            await world.make_promo(code, promo)
        for number, step in enumerate(numbers):
            if stored := await at_once(world, drawn(step)):
                await check(world, stored, number)
    finally:
        await world.end()


async def at_once(world: World, commands: Sequence[Command]) -> Stored | None:
    """Send them, and find an order in which the model answers the same and comes to what is stored.

    What is stored when all has been done that follows; None where nothing was done.
    """
    deeds = [replace(deed, kind=kind_of(command)) for command in commands if (deed := command.aimed(world))]
    if not deeds:
        return None
    answers = await asyncio.gather(*(told(deed.do(world)) for deed in deeds))
    for deed, answer in zip(deeds, answers, strict=True):
        event(f"{deed.kind}: {answer}")
    done = [(contested(deed, deeds, answers), answer) for deed, answer in zip(deeds, answers, strict=True)]
    note("\n  at once: ".join(f"{deed.text}: {answer}" for deed, answer in done))
    stored = await world.stored()
    model = next(explanations(world.model, world.model, done, stored), None)
    if model is None:
        pytest.fail(why_not(world.model, done, stored))
    world.model = model
    followed, with_jobs = await world.follow(), any(deed.with_jobs for deed in deeds)
    followed = await world.follow_shops() or followed
    if with_jobs:
        await world.run_jobs()
    return await world.stored() if followed or with_jobs else stored


def contested(deed: Deed, deeds: Sequence[Deed], answers: Sequence[Told]) -> Deed:
    """A use of a promo code may be refused for another that was claimed for a booking which did not come about."""
    in_vain = [other for other, answer in zip(deeds, answers, strict=True) if answer.code != "ok" and other.code]
    return replace(deed, is_contested=any(other.code == deed.code for other in in_vain if other is not deed))


def kind_of(command: Command) -> str:
    """Together with what of it there is to tell apart."""
    return f"{type(command).__name__} {getattr(command, 'action', '') or getattr(command, 'what', '')}"


def explanations(before: Model, model: Model, left: list[tuple[Deed, Told]], stored: Stored) -> Iterator[Model]:
    """The model after what is left, in each order that fits. What is set meanwhile may have been known or not."""
    if not left and as_modelled(model) == stored:
        yield model
    for number, (deed, answer) in enumerate(left):
        for shops in [model.shops] if deed.sets or model.shops == before.shops else [model.shops, before.shops]:
            trial = model.copy()
            trial.shops = dict(shops)
            if expected(deed, answer, trial) == "":
                trial.shops = trial.shops if deed.sets else model.shops
                yield from explanations(before, trial, left[:number] + left[number + 1 :], stored)


def expected(deed: Deed, answer: Told, model: Model) -> str:
    """What the model would have answered, where that is something else; done to the model."""
    if deed.is_contested and answer.code == "promo_refused":
        return ""
    try:
        deed.expect(model, answer.value)
    except Refused as refused:
        fits = answer.code in refused.code.split("|") and (not refused.reasons or refused.reasons & answer.reasons)
        return "" if fits else f"{refused}"
    return "" if answer.code == "ok" else "ok"


def why_not(model: Model, done: list[tuple[Deed, Told]], stored: Stored) -> str:
    """Of the order in which they were sent, which is the only one of a single command."""
    trial, told_of = model.copy(), list[str]()
    for deed, answer in done:
        if wrong := expected(deed, answer, trial):
            told_of.append(f"{deed.text}: answered {answer}, and ought to be {wrong}")
    return "\n".join(told_of or differences(as_modelled(trial), stored))


def differences(ought: Stored, stored: Stored) -> list[str]:
    return [
        f"{name}: ought to be {expected.get(key)}, is {found.get(key)}"
        for name, expected, found in zip(Stored._fields, ought, stored, strict=True)
        for key in {*expected, *found}
        if expected.get(key) != found.get(key)
    ]


async def check(world: World, stored: Stored, number: int) -> None:
    model = world.model
    assert differences(as_modelled(model), stored) == []
    for shop in model.shops:
        held = [tick for visit in stored.visits.values() if visit.shop == shop for tick in visit.held]
        assert len(held) == len(set(held)), "visits overlap"
        assert await world.ratings(shop) == [around.rating(model, shop)] * 2
    for visit in stored.visits.values():
        assert visit.history[0].action in {"create", "offer"}
        assert all(later.status in LEGAL[earlier.status] for earlier, later in pairwise(visit.history)), visit
    await check_a_day(world, number)
    await check_other_times(world, number)


def around_date(wish: Wish, on: date) -> tuple[int, int]:
    noon = int(datetime.combine(on, time(12), ZoneInfo(wish.shop.zone)).timestamp()) // 60
    return noon - 14 * 60, noon + 14 * 60


def on_date(wish: Wish, on: date, starts: Iterable[int]) -> list[int]:
    return [start for start in starts if wish.shop.date_of(start) == on]


async def check_a_day(world: World, number: int) -> None:
    """What is offered is what ought to be, and each other start is refused for what ought to be against it."""
    model = world.model
    wish = Wish(list(model.shops.values())[number % 2], OFFERS[number // 2 % len(OFFERS)])
    on = wish.shop.date_of(model.now) + timedelta(days=number // 3 % 3)
    taken, seats = model.taken(wish.shop.id), model.seats(wish.shop.id)
    day = await world.day(wish, on)
    free = [minute_of(slot.start) for slot in day.slots]
    assert free == on_date(wish, on, offered(model, wish, *around_date(wish, on))), wish
    for refused in day.refused or ():
        against = wish.objections(minute_of(refused.start), model.now, taken, seats)
        assert refused.reason in against, (wish, moment(minute_of(refused.start)))

    assert {minute_of(one.start) for one in day.refused or ()}.isdisjoint(free)


async def check_other_times(world: World, number: int) -> None:
    """What a visit could be moved to is what is free without it."""
    model = world.model
    movable = [
        (key, visit)
        for key, visit in model.visits.items()
        if visit.status in MOVABLE and visit.start > model.now and visit.by_time(model.now) is visit
    ]
    if movable:
        key, visit = movable[number % len(movable)]
        wish, on = wish_of(model, visit), model.shops[visit.shop].date_of(visit.start)
        starts = on_date(wish, on, range(*around_date(wish, on), TICK))
        ought = [start for start in starts if model.could_move(key, wish, start)]
        if visit.awaits != "customer":
            assert await world.other_times(key, on) == ought, visit
