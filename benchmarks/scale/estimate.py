"""Calculate rates, machines and money of a platform from measured figures and assumptions."""

import math
from typing import Final

from msgspec import Struct

from benchmarks.scale.assumptions import Assumptions, Prices
from benchmarks.scale.measured import Measured, VisitCost
from benchmarks.scale.rates import Rates
from benchmarks.scale.stores import DAYS_OF_YEAR, MONTHS, People, Stock, people_of, stocks_of
from deploy.mongodb.shard import SHARD_KEYS

_SECONDS_OF_DAY: Final = 86_400
# An event goes to the sockets of both sides, a position to the customer.
_SIDES: Final = 2
_READ_BYTES: Final = 2_000
_GB: Final = 1e9
_TB: Final = 1e12
_VALKEY_COPIES: Final = 2
_MAP_LIMIT_MIB: Final = 64  # GROME_NEARBY_MEMORY_MB
_SOCKETS_OF_A_PROCESS: Final = 20_000


class Flow(Struct, frozen=True, kw_only=True):
    """Numbers in a second."""

    bookings: float
    searches: float
    slot_lists: float
    reads: float
    events: float
    jobs: float
    webhooks: float
    positions: float
    frames: float
    oplog: float
    """Bytes."""

    def times(self, factor: float) -> "Flow":
        return Flow(**{name: getattr(self, name) * factor for name in self.__struct_fields__})


class Cores(Struct, frozen=True, kw_only=True):
    """Cores at the peak, at the assumed load. `mongod` counts primaries only."""

    api: float
    live: float
    worker: float
    relay: float
    """Cores that the relay alone would take; it leads in one process, so it has one at most."""
    mongod: float
    valkey: float


class Estimate(Struct, frozen=True, kw_only=True):
    """Everything that docs/scale.md shows of a platform of one size."""

    people: People
    stocks: list[Stock]
    average: Flow
    peak: Flow
    cores: Cores
    sockets: float
    live_processes: int
    worker_mib: float
    """Memory of an API worker, with the barbers of its clients on the map."""
    valkey_bytes: float
    shards: int
    valkey_nodes: int
    egress_a_month: float

    @property
    def disk(self) -> float:
        return sum(stock.stored + stock.indexes for stock in self.stocks)

    @property
    def working_set(self) -> float:
        return sum(stock.hot for stock in self.stocks)


class Limit(Struct, frozen=True):
    """A part of the system on one process or machine, and the number of users at which it is full."""

    name: str
    users: float


class Bill(Struct, frozen=True, kw_only=True):
    """Amounts of a month, and the money for each where the price is known."""

    cores: float
    memory_gb: float
    disk_tb: float
    egress_tb: float

    def costs(self, prices: Prices) -> list[float | None]:
        amounts = (self.cores, self.memory_gb, self.disk_tb, self.egress_tb)
        given = (prices.core_month, prices.memory_gb_month, prices.disk_tb_month, prices.egress_tb)
        return [None if price is None else amount * price for amount, price in zip(amounts, given, strict=True)]


def estimate(users: float, measured: Measured, rates: Rates, given: Assumptions) -> Estimate:
    people = people_of(users, given)
    stocks = stocks_of(people, measured.sample, given)
    average = _flow(people, measured, given)
    peak = average.times(given.peak)
    cores = _cores(peak, measured, rates, given)
    disk, hot = sum(stock.stored + stock.indexes for stock in stocks), sum(stock.hot for stock in stocks)
    valkey_bytes = _valkey_bytes(average, peak, measured)
    sockets = users * given.online
    needs = (cores.mongod / given.mongo_cores, hot / cache_bytes(given), disk / (given.mongo_disk_tb * _TB))
    return Estimate(
        people=people,
        stocks=stocks,
        average=average,
        peak=peak,
        cores=cores,
        sockets=sockets,
        live_processes=max(1, math.ceil(sockets / _SOCKETS_OF_A_PROCESS), math.ceil(cores.live)),
        worker_mib=rates.worker_mib + min(_MAP_LIMIT_MIB, people.barbers * rates.map_kib / 1_024),
        valkey_bytes=valkey_bytes,
        shards=max(1, *map(math.ceil, needs)),
        valkey_nodes=max(1, math.ceil(cores.valkey), math.ceil(valkey_bytes / (given.valkey_memory_gb * _GB))),
        egress_a_month=average.times(_SECONDS_OF_DAY * DAYS_OF_YEAR / MONTHS).searches * rates.search_bytes
        + average.times(_SECONDS_OF_DAY * DAYS_OF_YEAR / MONTHS).reads * _READ_BYTES,
    )


def _flow(people: People, measured: Measured, given: Assumptions) -> Flow:
    bookings = people.bookings_a_day / _SECONDS_OF_DAY
    each_visit = {size.name: size.each_visit for size in measured.sample.collections}
    events, positions = bookings * measured.sample.events, bookings * given.trips * given.positions
    return Flow(
        bookings=bookings,
        searches=bookings * given.searches,
        slot_lists=bookings * given.slot_lists,
        reads=bookings * given.other_reads,
        events=events,
        jobs=bookings * each_visit["jobs"],
        webhooks=bookings * each_visit["webhook_deliveries"],
        positions=positions,
        frames=events * _SIDES + positions,
        oplog=bookings * measured.sample.oplog,
    )


def _cores(peak: Flow, measured: Measured, rates: Rates, given: Assumptions) -> Cores:
    cost: VisitCost = measured.sample.cost
    throughput = measured.throughput
    reads_ms = peak.slot_lists * rates.slots_ms
    api_ms = (
        peak.bookings * cost.api + reads_ms + (peak.searches * rates.search_us + peak.reads * rates.read_us) / 1_000
    )
    mongod_ms = peak.bookings * cost.mongod + (peak.slot_lists + peak.reads) * given.read_ms
    return Cores(
        api=api_ms / 1_000 / given.load,
        live=peak.frames * rates.frame_us / 1e6 / given.load,
        worker=peak.bookings * cost.worker / 1_000 / given.load,
        relay=peak.events * throughput.relay_cpu_s / throughput.events,
        mongod=mongod_ms / 1_000 / given.load,
        valkey=peak.bookings * cost.valkey / 1_000 / given.load,
    )


def cache_bytes(given: Assumptions) -> float:
    """Return the cache of WiredTiger on one machine."""
    return given.mongo_memory_gb * _GB / 2


def _valkey_bytes(average: Flow, peak: Flow, measured: Measured) -> float:
    """Keys that live for less than an hour are counted for the peak."""
    sample = measured.sample
    total = 0.0
    for family in sample.keys:
        each = family.each_visit * family.bytes_each
        if family.kept_s is None:
            total += each * sample.visits
        else:
            flow = peak if family.kept_s < _SECONDS_OF_DAY / 24 else average
            total += each * flow.bookings * family.kept_s
    return total


def limits_of(found: Estimate, measured: Measured, given: Assumptions) -> list[Limit]:
    """Return the limits of single processes and machines, the first that is reached first, without unused parts."""
    users, throughput = found.people.users, measured.throughput
    core = 1 / given.load  # `Cores` holds cores of which only a share is used
    whole = [stock for stock in found.stocks if stock.name not in SHARD_KEYS]
    whole_disk, whole_hot = sum(each.stored + each.indexes for each in whole), sum(each.hot for each in whole)
    shares = {
        "one API core": found.cores.api / core,
        "one core of a job worker": found.cores.worker / core,
        "the relay, at the rate of the whole measured machine": found.peak.events
        * throughput.relay_s
        / throughput.events,
        "the relay, with a core for itself": found.cores.relay,
        "one Valkey: its core": found.cores.valkey / core,
        "one Valkey: memory": found.valkey_bytes / (given.valkey_memory_gb * _GB),
        "one process of live connections": found.sockets / _SOCKETS_OF_A_PROCESS,
        "one replica set: cores of the primary": found.cores.mongod / given.mongo_cores,
        "one replica set: memory for the working set": found.working_set / cache_bytes(given),
        "one replica set: disk": found.disk / (given.mongo_disk_tb * _TB),
        "collections that are not sharded, on one machine: disk": whole_disk / (given.mongo_disk_tb * _TB),
        "collections that are not sharded, on one machine: memory": whole_hot / cache_bytes(given),
    }
    limits = [Limit(name, users / share) for name, share in shares.items() if share]
    return sorted(limits, key=lambda limit: limit.users)


def bill_of(found: Estimate, rates: Rates, given: Assumptions) -> Bill:
    api, worker, live = math.ceil(found.cores.api), math.ceil(found.cores.worker), found.live_processes
    mongod = found.shards * given.copies
    processes_gb = (api + worker + live) * found.worker_mib / 1_024 + found.sockets * rates.socket_kb / 1e6
    valkey = found.valkey_nodes * _VALKEY_COPIES
    return Bill(
        cores=api + worker + live + mongod * given.mongo_cores + valkey,
        memory_gb=processes_gb + mongod * given.mongo_memory_gb + valkey * given.valkey_memory_gb,
        disk_tb=found.disk / _TB * given.copies,
        egress_tb=found.egress_a_month / _TB,
    )
