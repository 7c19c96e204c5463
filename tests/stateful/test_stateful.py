"""Test random concurrent commands against a model."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, note, settings

from grome.infrastructure.container import Container
from tests.stateful import around
from tests.stateful.actions import OFFERS, Command, PlannedCommand, offered
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
async def test_stored_state_equals_the_model_after_random_commands(
    grome: Container, stopped: StoppedClock, plan: Plan, numbers: list[list[int]]
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
    """Send concurrent commands, and find a serial order in which the model reaches the same answers and state.

    Returns the stored state after all effects, or None if no command had a target.
    """
    batch = [replace(planned, kind=kind_of(command)) for command in commands if (planned := command.aimed(world))]
    if not batch:
        return None
    answers = await asyncio.gather(*(told(planned.do(world)) for planned in batch))
    for planned, answer in zip(batch, answers, strict=True):
        event(f"{planned.kind}: {answer}")
    done = [(contested(planned, batch, answers), answer) for planned, answer in zip(batch, answers, strict=True)]
    note("\n  at once: ".join(f"{planned.text}: {answer}" for planned, answer in done))
    stored = await world.stored()
    model = next(explanations(world.model, world.model, done, stored), None)
    if model is None:
        pytest.fail(why_not(world.model, done, stored))
    world.model = model
    followed, with_jobs = await world.follow(), any(planned.with_jobs for planned in batch)
    followed = await world.follow_shops() or followed
    if with_jobs:
        await world.run_jobs()
    return await world.stored() if followed or with_jobs else stored


def contested(planned: PlannedCommand, batch: Sequence[PlannedCommand], answers: Sequence[Told]) -> PlannedCommand:
    """Mark the command as contested if a failed concurrent command held its promo code."""
    in_vain = [other for other, answer in zip(batch, answers, strict=True) if answer.code != "ok" and other.code]
    return replace(planned, is_contested=any(other.code == planned.code for other in in_vain if other is not planned))


def kind_of(command: Command) -> str:
    """Return the name of the command with its action."""
    return f"{type(command).__name__} {getattr(command, 'action', '') or getattr(command, 'what', '')}"


def explanations(
    before: Model, model: Model, left: list[tuple[PlannedCommand, Told]], stored: Stored
) -> Iterator[Model]:
    """Yield the model after each serial order of the remaining commands that explains answers and state."""
    if not left and as_modelled(model) == stored:
        yield model
    for number, (planned, answer) in enumerate(left):
        for shops in [model.shops] if planned.sets or model.shops == before.shops else [model.shops, before.shops]:
            trial = model.copy()
            trial.shops = dict(shops)
            if expected(planned, answer, trial) == "":
                trial.shops = trial.shops if planned.sets else model.shops
                yield from explanations(before, trial, left[:number] + left[number + 1 :], stored)


def expected(planned: PlannedCommand, answer: Told, model: Model) -> str:
    """Apply the command to the model, and return the model's answer if it differs, else an empty string."""
    if planned.is_contested and answer.code == "promo_refused":
        return ""
    try:
        planned.expect(model, answer.value)
    except Refused as refused:
        fits = answer.code in refused.code.split("|") and (not refused.reasons or refused.reasons & answer.reasons)
        return "" if fits else f"{refused}"
    return "" if answer.code == "ok" else "ok"


def why_not(model: Model, done: list[tuple[PlannedCommand, Told]], stored: Stored) -> str:
    """Describe the differences for the order in which the commands were sent."""
    trial, told_of = model.copy(), list[str]()
    for planned, answer in done:
        if wrong := expected(planned, answer, trial):
            told_of.append(f"{planned.text}: answered {answer}, and ought to be {wrong}")
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
    """Check the offered starts, and the reasons of all rejected starts."""
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
    """Check the times to which a visit can be rescheduled."""
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
