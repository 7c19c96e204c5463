"""Visits on a running Grome, and the CPU time and documents that they take."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
import psutil
from redis import Redis

from benchmarks.bench import SIZES, Bench, on_all_cores
from benchmarks.load import LoadFailed
from benchmarks.rounds import bars
from benchmarks.scale.keys import key_families
from benchmarks.scale.measured import KeyFamily, VisitCost
from benchmarks.scale.stocks import Documents, connect, counts
from benchmarks.scale.visits import Barber, Site, Visits, takes_deposit
from benchmarks.sections.effects import receiver, subscribe
from benchmarks.sections.payments import STRIPE_KEYS, WEBHOOK_SECRET, local_stripe
from benchmarks.servers import HOST, Server, free_port
from benchmarks.world import prepared
from grome.accounts.models import Device
from grome.accounts.schemas import Login
from grome.accounts.service import AccountService
from grome.barbers.models import DepositRule, Terms
from grome.dev.demo.cities import find_cities
from grome.dev.demo.people import barber_email
from grome.dev.demo.seed import SeedSize, seed
from grome.dev.demo_accounts.models import ADMIN_EMAIL, DEMO_PASSWORD
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import State
from grome.scheduling.models import BookingRules, DayHours, WeeklyHours

_CITY: Final = "Berlin"
_ALL_DAY: Final = DayHours(is_available=True, start_time="00:00", end_time="24:00")
_ALWAYS: Final = WeeklyHours(_ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY, _ALL_DAY)
_RULES: Final = BookingRules(slot_step_min=5, min_notice_min=0)
_QUIET_S: Final = 2.0
_DRAINED_WITHIN_S: Final = 600.0


@dataclass(frozen=True)
class Lived:
    """Documents by collection before anybody registered, before the visits and after them, and the visits' cost."""

    barbers: Mapping[str, int]
    people: Mapping[str, int]
    everything: Mapping[str, int]
    cost: VisitCost
    oplog: float
    seconds: float
    keys: list[KeyFamily]


@dataclass(frozen=True)
class _Laid:
    barbers: list[Barber]
    admin: str


async def live_visits(bench: Bench, count: int) -> Lived:
    """Lay so many barbers, register a customer for each, and let each pair have a visit, jobs included."""
    laid = await _lay(bench, count)
    port = free_port()
    changed = {
        **STRIPE_KEYS,
        "GROME_ENV": "development",  # production refuses another address of Stripe, and webhooks to this machine
        "GROME_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "GROME_STRIPE_URL": f"http://{HOST}:{port}",
        "GROME_WEBHOOKS_PRIVATE_ADDRESSES": "true",
        "GROME_JOBS_WORKERS": "1",
        "GROME_ACCOUNTS_BCRYPT_ROUNDS": "4",
    }
    with (
        on_all_cores(bench),
        bench.grome("Grome with a job worker", SIZES, pinned=False, **changed) as grome,
        local_stripe(bench.home, port, f"{grome.url}/v1/stripe/webhook") as stripe_url,
        connect(bench.mongo_url) as mongo,
        bars(bench.console) as progress,
    ):
        async with receiver() as received:
            await subscribe(grome.url, received.url, laid.admin)
            site = Site(grome.url, stripe_url, STRIPE_KEYS["GROME_STRIPE_PUBLISHABLE_KEY"])
            visits = Visits(site, laid.barbers, progress)
            return await asyncio.to_thread(_live, bench, grome, visits, mongo[SIZES])


def _live(bench: Bench, grome: Server, visits: Visits, database: Documents) -> Lived:
    barbers = counts(database)
    visits.register()
    _await_quiet(database)
    people, before, written, begun = counts(database), _cpu_seconds(grome), _oplog_bytes(database), time.perf_counter()
    visits.live()
    _await_quiet(database)
    seconds, after, number = time.perf_counter() - begun, _cpu_seconds(grome), visits.count
    spent = {kind: round(1_000 * (after[kind] - before[kind]) / number, 1) for kind in after}
    with Redis.from_url(bench.data(SIZES).redis_url) as valkey:
        keys = key_families(valkey, number)
    return Lived(
        barbers=barbers,
        people=people,
        everything=counts(database),
        cost=VisitCost(**spent),
        oplog=(_oplog_bytes(database) - written) / number,
        seconds=seconds,
        keys=keys,
    )


async def _lay(bench: Bench, count: int) -> _Laid:
    """Lay barbers that are open at all times, some of them with deposits, and sign them in."""
    async with prepared(bench, SIZES) as container:
        await seed(container, SeedSize(cities=(_CITY,), barbers_per_city=count, customers=0), bench.console)
        barbers = [await _open(container, number) for number in range(count)]
        _, admin = await _signed_in(container, ADMIN_EMAIL)
    return _Laid(barbers, admin)


async def _open(container: Container, number: int) -> Barber:
    (city,) = find_cities((_CITY,))
    email = barber_email(city.name, number + 1)
    user_id, token = await _signed_in(container, email)
    fields = {"availability": msgspec.to_builtins(_ALWAYS), "rules": msgspec.to_builtins(_RULES), "timezone": "UTC"}
    if takes_deposit(number):
        fields["terms"] = msgspec.to_builtins(Terms(deposit=DepositRule(percent=20)))
    barber = await container.database["barbers"].find_one_and_update({"_id": user_id}, {"$set": fields})
    if barber is None:
        raise LoadFailed(f"{email} has no profile")
    longitude, latitude = barber["location"]["coordinates"]
    return Barber(user_id, token, latitude, longitude)


async def _signed_in(container: Container, email: str) -> tuple[UUID, str]:
    login = Login(email=email, password=DEMO_PASSWORD)
    signed_in = await container.get(AccountService).login(login, Device())
    return signed_in.user.id, signed_in.access_token


def _await_quiet(database: Documents) -> None:
    """Wait until no job is due and nothing has been written for a moment. Raises LoadFailed after ten minutes."""
    deadline, seen, since = time.monotonic() + _DRAINED_WITHIN_S, None, time.monotonic()
    while time.monotonic() - since < _QUIET_S:
        if time.monotonic() > deadline:
            raise LoadFailed("The job worker does not come to an end")
        due = database["jobs"].count_documents({"state": State.PENDING.value, "next_at": {"$lte": datetime.now(UTC)}})
        now = (due, database["audit"].count_documents({}), database["jobs"].count_documents({}))
        if due or now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.25)


def _cpu_seconds(grome: Server) -> dict[str, float]:
    """Return the CPU time of each kind of process so far, by the names of VisitCost."""
    supervisor = psutil.Process(grome.pid).parent()
    family = supervisor.children(recursive=True) if supervisor else []
    ours = psutil.Process().children(recursive=True)
    return {
        "api": _cpu_of([psutil.Process(grome.pid)]),
        "worker": _cpu_of([each for each in family if each.pid != grome.pid]),
        "mongod": _cpu_of([each for each in ours if each.name().startswith("mongod")]),
        "valkey": _cpu_of([each for each in ours if each.name().startswith(("valkey", "redis"))]),
    }


def _cpu_of(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _oplog_bytes(database: Documents) -> int:
    """Return the bytes that all writes to the database so far have put into the oplog."""
    ours = {"ns": {"$regex": f"^{database.name}\\."}}
    total = {"$group": {"_id": None, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}}
    (found,) = database.client["local"]["oplog.rs"].aggregate([{"$match": ours}, total])
    return int(found["bytes"])
