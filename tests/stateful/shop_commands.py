"""Define commands about rules, overrides, time off, and the clock."""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from grome.barbers.schedule_exceptions import ScheduleExceptionService
from grome.barbers.schemas import TimeOffIn
from tests.stateful.actions import DAYS_AHEAD, NOBODY, PlannedCommand, shop_of
from tests.stateful.manual_clock import moment
from tests.stateful.model import Model, Refused
from tests.stateful.shops import Day, Rules, Shop
from tests.stateful.world import World, hours_of

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

    def aimed(self, world: World) -> PlannedCommand | None:
        shop = shop_of(world.model, self.shop)

        def expect(model: Model, _: object) -> None:
            model.shops[shop.id] = replace(model.shops[shop.id], rules=self.rules)

        text = f"{shop.zone} gets {self.rules}"
        return PlannedCommand(text, lambda world: world.put_rules(replace(shop, rules=self.rules)), expect, sets=True)


@dataclass(frozen=True)
class Override:
    shop: int
    days: int
    day: Day | None

    @staticmethod
    def drawn(dice: Random) -> "Override":
        return Override(dice.randrange(2), dice.randint(0, DAYS_AHEAD), dice.choice(OVERRIDES))

    def aimed(self, world: World) -> PlannedCommand | None:
        shop = shop_of(world.model, self.shop)
        on = shop.date_of(world.model.now) + timedelta(days=self.days)

        def expect(model: Model, _: object) -> None:
            now = model.shops[shop.id]
            model.shops[shop.id] = replace(now, overrides={**now.overrides, on: self.day})

        return PlannedCommand(
            f"{shop.zone} has {self.day} on {on}",
            lambda world: world.grome.get(ScheduleExceptionService).put_override(
                world.barber(shop.id), on, hours_of(self.day)
            ),
            expect,
            sets=True,
        )


@dataclass(frozen=True)
class TakeTimeOff:
    """Adds time off of some minutes, on ticks or not, or removes the latest time off."""

    shop: int
    begins: int
    minutes: int

    @staticmethod
    def drawn(dice: Random) -> "TakeTimeOff":
        return TakeTimeOff(dice.randrange(2), dice.randrange(2 * 24 * 60), dice.choice([0, 7, 60, 600]))

    def aimed(self, world: World) -> PlannedCommand | None:
        shop = shop_of(world.model, self.shop)
        begins = world.model.now + self.begins
        if self.minutes:
            return self._add(shop, begins, begins + self.minutes)
        return self._remove(shop, list(shop.time_off)[-1]) if shop.time_off else None

    def _add(self, shop: Shop, begins: int, ends: int) -> PlannedCommand:
        def expect(model: Model, made: Any) -> None:
            now = model.shops[shop.id]
            key = made.id if made else NOBODY
            model.shops[shop.id] = replace(now, time_off={**now.time_off, key: (begins, ends)})

        wanted = TimeOffIn(moment(begins), moment(ends))
        return PlannedCommand(
            f"{shop.zone} is away from {moment(begins):%d %H:%M}Z to {moment(ends):%d %H:%M}Z",
            lambda world: world.grome.get(ScheduleExceptionService).add_time_off(world.barber(shop.id), wanted),
            expect,
            sets=True,
        )

    def _remove(self, shop: Shop, key: UUID) -> PlannedCommand:
        def expect(model: Model, _: object) -> None:
            now = model.shops[shop.id]
            if key not in now.time_off:
                raise Refused("not_found")
            left = {name: off for name, off in now.time_off.items() if name != key}
            model.shops[shop.id] = replace(now, time_off=left)

        return PlannedCommand(
            f"{shop.zone} is there after all",
            lambda world: world.grome.get(ScheduleExceptionService).remove_time_off(world.barber(shop.id), key),
            expect,
            sets=True,
        )


@dataclass(frozen=True)
class Wait:
    """Moves the clock between steps; all commands of a step see the same time."""

    minutes: int
    with_jobs: bool

    @staticmethod
    def drawn(dice: Random) -> "Wait":
        return Wait(dice.choice([1, 7, 10, 30, 60, 125, 720, 1440]), dice.choice([True, True, False]))

    def aimed(self, world: World) -> PlannedCommand:
        def expect(model: Model, _: object) -> None:
            model.now += self.minutes

        async def do(world: World) -> None:
            world.clock.minute += self.minutes

        then = moment(world.model.now + self.minutes)
        text = f"{self.minutes} minutes go by, it is {then:%d %H:%M}Z, jobs {'run' if self.with_jobs else 'wait'}"
        return PlannedCommand(text, do, expect, with_jobs=self.with_jobs)
