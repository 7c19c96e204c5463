"""Free times: a month of one barber, and a week of fifty, on calendars that are mostly booked.

Measured in this process, which is the API worker's own code without Sanic, so that waiting can be told from work.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Final

import msgspec
from pymongo import monitoring
from rich.progress import Progress, TaskID

from benchmarks.bench import AVAILABILITY, Bench, on_all_cores
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import prepared
from grome.availability.schemas import SlotQuery
from grome.availability.service import AvailabilityService
from grome.barbers.calendar_builder import build_calendar_and_visit
from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.models import Approval, Barber
from grome.barbers.repository import BarberRepository
from grome.barbers.service import BarberService
from grome.bookings.drafts import BookingDraft, PlatformTerms, build_booking
from grome.bookings.models import Booking
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.catalogue.service import CatalogueService
from grome.common.ids import new_id
from grome.dev.demo.barbers import barbers_of
from grome.dev.demo.cities import find_cities
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.scheduling.offers import ChosenService
from grome.scheduling.slots import free_slots, occupied_ticks, reason_unavailable
from grome.scheduling.ticks import ticks_for
from grome.scheduling.visit_plan import rules_for

BARBERS: Final = 50
MONTH: Final = timedelta(days=30)  # the last date from the first: both are included
WEEK: Final = timedelta(days=6)
BOOKED: Final = 0.7
_HORIZON_DAYS: Final = 60
Work = Callable[[], Awaitable[int]]


def run(bench: Bench) -> Report:
    monitoring.register(_COMMANDS)
    with on_all_cores(bench):
        month, cold, week, strangers, starts = timed = run_async(_measure(bench))
    right = [one.commands for one in (month, cold, week, strangers, starts)] == [1, 2, 1, 2, 0]
    targets = [
        Target("ms for a month of one barber", month.spread, most=5),
        Target(f"ms for a week of {BARBERS} barbers", week.spread, most=50),
        Target(f"the same of {BARBERS} who were not remembered", strangers.spread, most=50),
    ]
    columns = ["", "p50 ms", "least ms", "p99 ms", "Python, p50 ms", "waiting", "MongoDB commands", "slots"]
    table = Table("Free times", columns, [one.row() for one in timed], [_note()])
    return Report([targets_table("Free times: figures to reach", targets), table], sound=right)


def _note() -> str:
    return (
        f"Demo barbers, of whose opening hours in this month {BOOKED:.0%} are booked, buffers included. Medians of the "
        "rounds; least and p99 over all. A month is the use case and its answer's JSON; a week what a search over many "
        "barbers asks. Python is the time that the thread worked, driver and decoding included."
    )


@dataclass(slots=True)
class Timed:
    """`walls` and `works` are seconds of each call in each round: wall time, and CPU time of this thread."""

    name: str
    commands: int = 0
    slots: int = 0
    walls: list[list[float]] = field(default_factory=list)
    works: list[list[float]] = field(default_factory=list)

    @property
    def spread(self) -> Spread:
        """Of the rounds' medians, in milliseconds."""
        return Spread.of([quantile(walls, 50) * 1e3 for walls in self.walls])

    def row(self) -> list[str]:
        wall, work = self.spread.median, Spread.of([quantile(works, 50) * 1e3 for works in self.works]).median
        every = [each for walls in self.walls for each in walls]
        waiting = f"{max(0.0, 1 - work / wall):.0%}"
        figures = [f"{value:,.2f}" for value in (wall, min(every) * 1e3, quantile(every, 99) * 1e3, work)]
        return [self.name, *figures, waiting, str(self.commands), f"{self.slots:,}"]


async def _measure(bench: Bench) -> list[Timed]:
    first = datetime.now(UTC).date() + timedelta(days=2)
    async with prepared(bench, AVAILABILITY) as container:
        contenders = _contenders(container, await _lay(container, first), first)
        with bars(bench.console) as progress:
            task = progress.add_task("Free times", total=bench.rounds * len(contenders))
            return await _in_turn(bench, contenders, (progress, task))


async def _in_turn(bench: Bench, contenders: dict[str, Work], bar: tuple[Progress, TaskID]) -> list[Timed]:
    timed = {name: Timed(name) for name in contenders}
    for _ in range(bench.rounds):
        for name, work in contenders.items():
            await _round(timed[name], work, bench.seconds)
            bar[0].advance(bar[1])
    return list(timed.values())


async def _round(timed: Timed, work: Work, seconds: float) -> None:
    await work()
    _COMMANDS.count = 0
    timed.slots = await work()
    timed.commands = _COMMANDS.count
    walls, works, end = [], [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(walls) < 2:
        worked, began = time.thread_time(), time.perf_counter()
        await work()
        walls.append(time.perf_counter() - began)
        works.append(time.thread_time() - worked)
    timed.walls.append(walls)
    timed.works.append(works)


def _contenders(container: Container, barbers: Sequence[Barber], first: date) -> dict[str, Work]:
    one = barbers[0]
    query = SlotQuery(first=first, last=first + MONTH, service_ids=[one.services[0].service_id])

    get, redis = container.get, container.get(RedisClients)
    remembering, knowing = get(BarberService), get(AvailabilityService)
    # One that hears of no changes, and therefore remembers nobody.
    deaf = BarberChangeFeed(redis.commands, redis.commands, get(Namespace))
    forgetful = BarberService(
        BarberRepository(container.database),
        get(CatalogueService),
        deaf,
        get(Transactions),
        Approval.APPROVED,
        container.clock,
    )
    now = datetime.now(UTC)
    moments = [_some_start(barber, now, first) for barber in barbers]

    async def month(availability: AvailabilityService = knowing) -> int:
        answer = await availability.list_slots(one.id, query)
        msgspec.json.encode(answer)
        return sum(len(day.slots) for day in answer.days)

    async def month_of_a_stranger() -> int:
        return await month(AvailabilityService(forgetful, get(BookingQueries), container.clock))

    async def week(service: BarberService = remembering) -> int:
        found = await service.list_by_ids([barber.id for barber in barbers])
        wanted = [(barber, _first(barber)) for barber in found]
        listed = await knowing.list_slots_by_barber(wanted, first, first + WEEK)
        return sum(len(slots) for _, days in listed for _, slots in days)

    async def week_of_strangers() -> int:
        return await week(forgetful)

    async def starts() -> int:
        for barber, start in zip(barbers, moments, strict=True):
            calendar, visit = build_calendar_and_visit(barber, _first(barber), now, frozenset())
            if reason_unavailable(calendar, start, visit):
                raise ValueError("a start that was free is refused")
        return len(moments)

    return {
        "a month of one barber, remembered": month,
        "the same of a barber who was not": month_of_a_stranger,
        f"a week of {BARBERS} barbers, remembered": week,
        f"the same of {BARBERS} who were not": week_of_strangers,
        f"{BARBERS} starts decided one by one, as for bookings": starts,
    }


# ---- what is counted


class _Commands(monitoring.CommandListener):
    count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:  # noqa: ARG002 -- the driver's signature
        self.count += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: a failure raises."""


_COMMANDS: Final = _Commands()


# ---- barbers and what is booked


async def _lay(container: Container, first: date) -> list[Barber]:
    """Barbers of the demo with all of their rules, but for a horizon that has room for the month."""
    (city,) = find_cities(("Berlin",))
    barbers = [
        msgspec.structs.replace(barber, rules=msgspec.structs.replace(barber.rules, horizon_days=_HORIZON_DAYS))
        for _, barber in islice(barbers_of(city, BARBERS, random_seed=1), BARBERS)
    ]
    await BarberRepository(container.database).add_many(barbers)
    repository, chance = BookingRepository(container.database), Random(1)  # noqa: S311 -- the same in each run
    for barber in barbers:
        bookings = list(_bookings(barber, first, chance))
        if refused := [verdict for verdict in await repository.insert_many(bookings) if verdict]:
            raise refused[0]
    return barbers


def _bookings(barber: Barber, first: date, chance: Random) -> Iterator[Booking]:
    """Taken one after the other as they come, each with the chance that leaves so much of the time booked."""
    services = _first(barber)
    rules = rules_for(barber.rules, services)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    calendar, visit = build_calendar_and_visit(barber, services, yesterday, frozenset())
    length, step = sum(span.end - span.start for span in visit.occupied_spans(rules)), ticks_for(rules.slot_step_min)
    likely = BOOKED * step / (BOOKED * step + (1 - BOOKED) * length)
    free_from = 0
    for _, slots in free_slots(calendar, first, first + MONTH, visit):
        for slot in slots:
            ticks = occupied_ticks(rules, slot.start, visit)
            if ticks[0] >= free_from and chance.random() < likely:
                free_from = ticks[-1] + 1
                wish = BookingDraft(
                    id=new_id(),
                    customer_id=new_id(),
                    barber=barber,
                    services=services,
                    start=slot.start,
                    terms=barber.terms,
                )
                yield build_booking(wish, yesterday, PlatformTerms(timedelta(days=1)))


def _first(barber: Barber) -> list[ChosenService]:
    return [ChosenService(barber.services[0])]


def _some_start(barber: Barber, now: datetime, first: date) -> datetime:
    calendar, visit = build_calendar_and_visit(barber, _first(barber), now, frozenset())
    return next(slot.start for _, slots in free_slots(calendar, first, first + WEEK, visit) for slot in slots[3:])
