"""How soon every worker answers with a change: barbers go online, move and change prices while both are asked."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from rich.progress import Progress, TaskID

from benchmarks.bench import DEMO, Bench
from benchmarks.connections import Connection, raw_request
from benchmarks.load import LoadFailed
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import demo_barbers, lay_demo, new_customers

CHANGES_A_SECOND: Final = 50
_BARBERS: Final = 100  # each changes every two seconds
_POLL_S: Final = 0.002  # between an answer and the next question
_GIVEN_UP_S: Final = 40  # past the time by which a worker that missed all messages heals itself
_MOVE_DEG: Final = 0.01  # a kilometre, into another cell
_RADIUS_KM: Final = 0.02
Item = dict[str, Any]


@dataclass(slots=True)
class Shop:
    """A barber as last changed, and the account's token."""

    id: str
    token: str
    lat: float
    lng: float
    online: bool
    offers: list[Item]
    profile: Item
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and the condition for a response at a position: `holds` gets the barber's item, or None."""

    kind: str
    path: str
    body: Item
    places: list[tuple[float, float, Callable[[Item | None], bool]]]


@dataclass(slots=True)
class Seen:
    """Seconds from sending a change, and from its answer, until the last of the workers showed it."""

    kind: str
    since_sent: float
    since_answered: float


@dataclass(slots=True)
class Log:
    seen: list[Seen] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)  # how long it took to ask a worker for the change
    late: list[float] = field(default_factory=list)  # how far behind its schedule a change was sent


def run(bench: Bench) -> Report:
    run_async(lay_demo(bench))
    people = run_async(demo_barbers(bench, _BARBERS))
    (customer,) = run_async(new_customers(bench, DEMO, 1))
    with bench.grome("first worker", DEMO) as first, bench.grome("second worker", DEMO) as second:
        log = run_async(_change_and_watch(bench, [first.url, second.url], people, customer))
    sent = [seen.since_sent for seen in log.seen]
    targets = [
        Target("ms at p99, from sending the change", _exactly(quantile(sent, 99) * 1e3), most=100, digits=0),
        Target("ms at most, from sending the change", _exactly(max(sent) * 1e3), most=1000, digits=0),
    ]
    return Report([targets_table("Freshness: figures to reach", targets), _table(log, bench.options.freshness_s)])


def _exactly(value: float) -> Spread:
    return Spread(value, value, value)


def _table(log: Log, seconds: int) -> Table:
    rows = []
    for kind in ("all", *sorted({seen.kind for seen in log.seen})):
        seen = [one for one in log.seen if kind in ("all", one.kind)]
        rows.append([kind, f"{len(seen):,}"])
        for times in ([one.since_sent for one in seen], [one.since_answered for one in seen]):
            rows[-1] += [f"{value * 1e3:,.1f}" for value in (quantile(times, 50), quantile(times, 99), max(times))]
    note = (
        "A change is committed between its sending and its answer, so the truth lies between both sides. "
        f"{CHANGES_A_SECOND} changes a second over {seconds} s, sent to both workers in turn; 99 % left within "
        f"{quantile(log.late, 99) * 1e3:.1f} ms of their time. The watcher's own resolution: {_resolution(log.looks)}."
    )
    columns = ["ms until both workers show it", "changes"]
    columns += [f"{value}, from {since}" for since in ("sending", "its answer") for value in ("p50", "p99", "max")]
    return Table("Freshness: two API workers, barbers changing over HTTP", columns, rows, [note])


def _resolution(looks: list[float]) -> str:
    return (
        f"a look at a worker took {quantile(looks, 50) * 1e3:.1f} ms (median) and {quantile(looks, 99) * 1e3:.1f} ms "
        f"(p99), and the next began {_POLL_S * 1e3:g} ms later"
    )


# ---- the run


async def _change_and_watch(bench: Bench, urls: list[str], people: list[tuple[str, str]], customer: str) -> Log:
    log = Log()
    total = bench.options.freshness_s * CHANGES_A_SECOND
    async with AsyncExitStack() as stack:
        workers = [Pool(url, customer) for url in urls]
        for worker in workers:
            stack.push_async_callback(worker.close)
        shops = [await _shop(workers[0], barber_id, token) for barber_id, token in people]
        for shop in shops:  # both workers hold all places before anything changes, those to move to as well
            for lat in (shop.lat, shop.lat + _MOVE_DEG):
                await asyncio.gather(*(worker.find(shop.id, lat, shop.lng) for worker in workers))
        progress = stack.enter_context(bars(bench.console))
        task = progress.add_task("Changes seen by both workers", total=total)
        await _on_schedule(total, shops, workers, log, (progress, task))
    return log


async def _on_schedule(
    total: int, shops: list[Shop], workers: list["Pool"], log: Log, bar: tuple[Progress, TaskID]
) -> None:
    """Changes leave when their time has come, however long earlier ones take to be seen."""
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(total):
            due = started + number / CHANGES_A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            log.late.append(max(0.0, time.perf_counter() - due))
            group.create_task(_one_change(number, shops[number % len(shops)], workers, log, bar))


async def _one_change(number: int, shop: Shop, workers: list["Pool"], log: Log, bar: tuple[Progress, TaskID]) -> None:
    async with shop.busy:
        change = _next_change(shop, number // _BARBERS)
        sent = time.perf_counter()
        await workers[number % len(workers)].send("PUT", change.path, shop.token, change.body)
        answered = time.perf_counter()
        shown = await asyncio.gather(*(_until_shown(worker, shop.id, change, log) for worker in workers))
        log.seen.append(Seen(change.kind, max(shown) - sent, max(shown) - answered))
    bar[0].advance(bar[1])


async def _until_shown(worker: "Pool", barber_id: str, change: Change, log: Log) -> float:
    """When the answer arrived that was the first to show it; raises LoadFailed where none comes."""
    started = now = time.perf_counter()
    while (began := now) - started < _GIVEN_UP_S:
        shown = [holds(await worker.find(barber_id, lat, lng)) for lat, lng, holds in change.places]
        now = time.perf_counter()
        log.looks.append(now - began)
        if all(shown):
            return now
        await asyncio.sleep(_POLL_S)
        now = time.perf_counter()
    raise LoadFailed(f"{worker.url} did not show within {_GIVEN_UP_S} s that a barber's {change.kind} changed")


# ---- changes


def _next_change(shop: Shop, turn: int) -> Change:
    return (_toggle, _move, _reprice)[turn % 3](shop)


def _toggle(shop: Shop) -> Change:
    wanted = shop.online = not shop.online
    place = (shop.lat, shop.lng, lambda item: item is not None and item["is_online"] is wanted)
    return Change("online or offline", "/v1/barbers/me/online", {"is_online": wanted}, [place])


def _move(shop: Shop) -> Change:
    """A kilometre north, or back: found at the new place and no longer at the old one."""
    old = shop.lat, shop.lng
    north = shop.profile["location"]["lat"] + _MOVE_DEG
    shop.lat = north if shop.lat != north else shop.profile["location"]["lat"]
    body = {**shop.profile, "location": {"lat": shop.lat, "lng": shop.lng}}
    here = (shop.lat, shop.lng, lambda item: item is not None)
    there = (*old, lambda item: item is None)
    return Change("place", "/v1/barbers/me", body, [here, there])


def _reprice(shop: Shop) -> Change:
    shop.offers = [{**offer, "price": offer["price"] + 1} for offer in shop.offers]
    wanted = [offer["price"] for offer in shop.offers]
    place = (
        shop.lat,
        shop.lng,
        lambda item: item is not None and [offer["price"] for offer in item["services"]] == wanted,
    )
    return Change("prices", "/v1/barbers/me/services", {"services": shop.offers}, [place])


async def _shop(worker: "Pool", barber_id: str, token: str) -> Shop:
    told = await worker.send("GET", f"/v1/barbers/{barber_id}", token)
    offers = [{name: offer[name] for name in ("service_id", "price", "duration_min")} for offer in told["services"]]
    profile = {name: told[name] for name in ("name", "location", "timezone", "currency", "bio")}
    return Shop(barber_id, token, told["location"]["lat"], told["location"]["lng"], told["is_online"], offers, profile)


# ---- asking


class Pool:
    """As many kept connections to one worker as are needed at a time."""

    def __init__(self, url: str, customer: str) -> None:
        self.url, self._customer = url, customer
        self._idle: list[Connection] = []

    async def find(self, barber_id: str, lat: float, lng: float) -> Item | None:
        """The barber as nearby shows it at a place, None where it is not there."""
        asked = urlencode({"lat": lat, "lng": lng, "radius_km": _RADIUS_KM, "limit": 100})
        page = await self.send("GET", f"/v1/barbers/nearby?{asked}", self._customer)
        return next((item for item in page["items"] if item["id"] == barber_id), None)

    async def send(self, method: str, target: str, token: str, body: Item | None = None) -> Any:  # noqa: ANN401 -- JSON
        """Raises LoadFailed for anything but 200."""
        connection = self._idle.pop() if self._idle else await Connection.open(self.url)
        answer = await connection.ask(raw_request(method, target, {"Authorization": f"Bearer {token}"}, body))
        self._idle.append(connection)
        if answer.status != 200:
            raise LoadFailed(f"{method} {target} was answered {answer.status}: {answer.body.decode()}")
        return msgspec.json.decode(answer.body)

    async def close(self) -> None:
        for connection in self._idle:
            await connection.close()
