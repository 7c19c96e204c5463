"""Bytes and CPU time of a visit: documents, indexes, keys, oplog, and the work of all processes."""

from datetime import timedelta
from typing import Final

from benchmarks.bench import GROWN, SIZES, Bench
from benchmarks.machine import circumstances
from benchmarks.report import Report, Table
from benchmarks.rounds import bars
from benchmarks.scale.measured import CollectionSize, Sample, store_sample
from benchmarks.scale.sample import Lived, live_visits
from benchmarks.scale.stocks import Documents, connect, document_sizes, index_sizes, multiply
from benchmarks.stopping import run_async
from benchmarks.world import prepared

# The number of these does not grow with people or visits, nor does that of collections with fewer documents than
# one for so many visits.
_FIXED: Final = frozenset({"migrations", "services"})
_VISITS_OF_ONE: Final = 20


def run(bench: Bench) -> Report:
    lived = run_async(live_visits(bench, bench.options.visits))
    run_async(_migrate(bench))
    with connect(bench.mongo_url) as mongo, bars(bench.console) as progress:
        names = _growing(lived, bench.options.visits)
        multiply(mongo[SIZES], mongo[GROWN], names, timedelta(seconds=lived.seconds), progress)
        collections = [_size(mongo[GROWN], name, lived, bench.options.visits) for name in names]
        largest = max(mongo[GROWN][name].estimated_document_count() for name in names)
    sample = Sample(
        told=circumstances(bench),
        visits=bench.options.visits,
        multiplied=largest,
        collections=sorted(collections, key=lambda each: -each.each_visit * each.stored),
        cost=lived.cost,
        oplog=round(lived.oplog),
        events=round(_grown(lived, "audit") / bench.options.visits, 2),
        keys=lived.keys,
    )
    store_sample(sample)
    return Report([_documents_table(sample), _cost_table(sample), _keys_table(sample)])


def _growing(lived: Lived, visits: int) -> list[str]:
    return [name for name, count in lived.everything.items() if count * _VISITS_OF_ONE > visits and name not in _FIXED]


async def _migrate(bench: Bench) -> None:
    async with prepared(bench, GROWN):
        pass


def _size(database: Documents, name: str, lived: Lived, visits: int) -> CollectionSize:
    _, document, stored = document_sizes(database, name)
    before, people = lived.barbers.get(name, 0), lived.people.get(name, 0)
    return CollectionSize(
        name=name,
        document=round(document, 1),
        stored=round(stored, 1),
        indexes=index_sizes(database, name),
        each_user=round((people - before) / visits, 3),
        each_barber=round(before / visits, 3),
        each_visit=round(_grown(lived, name) / visits, 3),
    )


def _grown(lived: Lived, name: str) -> int:
    return lived.everything.get(name, 0) - lived.people.get(name, 0)


def _documents_table(sample: Sample) -> Table:
    rows = [
        [
            each.name,
            f"{each.document:,.0f}",
            f"{each.stored:,.0f}",
            f"{sum(index.bytes_each for index in each.indexes if not index.is_partial):,.0f}",
            f"{sum(index.bytes_each for index in each.indexes if index.is_partial):,.0f}",
            *(f"{number:,.2f}" for number in (each.each_user, each.each_barber, each.each_visit)),
        ]
        for each in sample.collections
    ]
    columns = ["", "BSON", "on disk", "whole indexes", "partial indexes", "of a user", "of a barber", "of a visit"]
    note = (
        f"Bytes of one document, and numbers of documents. Of {sample.visits} visits, six of ten paid a deposit, six "
        "were completed, half of those reviewed, two cancelled, and two are still to come; each has four messages, and "
        "the platform receives all webhooks. The documents were copied under other ids and at later times, up to "
        f"{sample.multiplied:,} in a collection, and MongoDB was asked for the sizes of files. An entry of a partial "
        "index counts for the documents in it only."
    )
    return Table("Sizes: documents and indexes", columns, rows, [note])


def _cost_table(sample: Sample) -> Table:
    cost = sample.cost
    rows = [
        ["API worker", f"{cost.api:,.1f}"],
        ["job worker, with the relay", f"{cost.worker:,.1f}"],
        ["mongod", f"{cost.mongod:,.1f}"],
        ["Valkey", f"{cost.valkey:,.1f}"],
    ]
    note = (
        f"CPU time with all that follows from a visit: {sample.events:.1f} events in the audit trail and "
        f"{sample.oplog / 1_000:,.0f} kB of oplog. A visit of the sample has one search and one list of free times."
    )
    return Table("Sizes: milliseconds of CPU for a visit", ["", "ms"], rows, [note])


def _keys_table(sample: Sample) -> Table:
    rows = [
        [each.name, f"{each.each_visit:,.2f}", f"{each.bytes_each:,.0f}", _kept(each.kept_s)] for each in sample.keys
    ]
    note = "Keys that had expired before the end, such as copies of map cells and leases of presence, are missing."
    return Table("Sizes: keys of Valkey", ["", "of a visit", "bytes", "expires within"], rows, [note])


def _kept(seconds: int | None) -> str:
    return f"{seconds:,} s" if seconds else "never"
