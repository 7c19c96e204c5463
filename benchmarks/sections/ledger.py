"""Measure the ledger: entries posted a second, and the time that `grome ledger verify` takes."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Final
from uuid import UUID, uuid4

import bson
from bson import Int64
from bson.raw_bson import RawBSONDocument

from benchmarks.bench import LEDGER, Bench, on_all_cores
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars, quantile
from benchmarks.servers import ROOT
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import prepared
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Database, decode_bson, to_document
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal, next_seal, unsealed_content
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.stripe.models import BalanceLine
from grome.ledger.models import Entry, Total
from grome.ledger.postings import Entries, payment_received, visit_released
from grome.ledger.repository import ENTRIES, TOTALS, LedgerRepository
from grome.ledger.service import Ledger
from grome.ledger.totals import add_to_totals

CLIENTS: Final = (1, 32)
MILLION: Final = 1_000_000
_SECONDS_FOR_A_MILLION: Final = 60
_BATCH: Final = 10_000
_BARBERS: Final = 500
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


def run(bench: Bench) -> Report:
    with on_all_cores(bench):
        run_async(_lay(bench, bench.options.ledger_entries))
        verifications = [_verify(bench) for _ in range(bench.rounds)]
        posted = run_async(_post(bench))
    seconds = Spread.of([one.seconds for one in verifications])
    most = _SECONDS_FOR_A_MILLION if bench.options.ledger_entries >= MILLION else None
    target = Target(f"seconds to verify {bench.options.ledger_entries:,} entries", seconds, most=most, digits=1)
    columns = ["", "entries/s, median (min to max)", "transactions/s", "p50 ms", "p99 ms"]
    speeds = Table("Ledger: posting a payment and its release in a transaction", columns, [_row(one) for one in posted])
    speeds.notes.append("This process posts, so the driver's work is part of it; MongoDB shares the same cores.")
    tables = [targets_table("Ledger: figures to reach", [target]), speeds]
    return Report(tables, sound=all(one.sound for one in verifications))


# ---- verification


@dataclass(frozen=True, slots=True)
class Verified:
    seconds: float
    sound: bool


def _verify(bench: Bench) -> Verified:
    """Run the command as an operator does, its start included."""
    data = bench.data(LEDGER)
    env = {
        "GROME_HOME": str(bench.home),
        "GROME_MONGO_URL": data.mongo_url,
        "GROME_MONGO_DATABASE": data.database,
        "GROME_REDIS_URL": data.redis_url,
    }
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "grome", "ledger", "verify"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begun
    told = done.stdout.strip().splitlines()
    bench.console.print(f"{seconds:.1f} s: {told[-1] if told else done.stderr}", style="dim", markup=False)
    expected = f"{bench.options.ledger_entries} sealed entries"
    return Verified(seconds, done.returncode == 0 and bool(told) and told[-1].startswith(expected))


async def _lay(bench: Bench, size: int) -> None:
    """Insert a sealed chain of `size` entries with its totals, in far less time than posting and sealing take."""
    barbers = [uuid4() for _ in range(_BARBERS)]
    entries = (entry for number in count() for entry in _visit(barbers[number % _BARBERS], number))
    totals: defaultdict[Total, int] = defaultdict(int)
    seal = GENESIS
    async with prepared(bench, LEDGER) as container:
        repository = LedgerRepository(container.database)
        await container.database[ENTRIES.name].delete_many({})
        await container.database[TOTALS.name].delete_many({})
        with bars(bench.console) as progress:
            task = progress.add_task("Laying ledger entries", total=size)
            while left := size - seal.seq:
                seal = await _insert_sealed(container.database, islice(entries, min(left, _BATCH)), seal, totals)
                progress.update(task, completed=seal.seq)
        async with repository.reading(None) as reading:
            head = await repository.get_head(reading)
        async with container.database.client.start_session() as session:
            await repository.add_to_totals(session, totals, head.seq)


async def _insert_sealed(
    database: Database, entries: Iterator[Entry], seal: Seal, totals: defaultdict[Total, int]
) -> Seal:
    """Seal and insert entries after `seal`, add them to `totals`, and return the last seal."""
    documents, contents = [], []
    for entry in entries:
        document = to_document(entry)
        for name in ("seq", "prev_hash", "hash"):
            del document[name]
        raw = bson.encode(document, codec_options=database.codec_options)
        contents.append(decode_bson(raw))
        seal = next_seal(seal, unsealed_content(raw))
        document |= {"hash": seal.hash, "prev_hash": seal.prev_hash, "seq": Int64(seal.seq)}
        documents.append(RawBSONDocument(bson.encode(document, codec_options=database.codec_options)))
    add_to_totals(totals, contents)
    await database[ENTRIES.name].insert_many(documents, ordered=False, bypass_document_validation=True)
    return seal


# ---- posting


@dataclass(frozen=True, slots=True)
class Posted:
    clients: int
    rates: list[float]
    times: list[float]


async def _post(bench: Bench) -> list[Posted]:
    posted = [Posted(clients, [], []) for clients in CLIENTS]
    async with prepared(bench, LEDGER) as container:
        for number in range(bench.rounds + 1):
            for one in posted:
                times = await _post_for(container, one.clients, bench.seconds)
                if number:  # the first round warms
                    one.rates.append(len(times) / bench.seconds)
                    one.times.extend(times)
    return posted


async def _post_for(container: Container, clients: int, seconds: int) -> list[float]:
    """Return the seconds that each transaction took; entries of a visit are posted together."""
    ends = time.perf_counter() + seconds
    times: list[float] = []

    async def post_visits() -> None:
        while (begun := time.perf_counter()) < ends:
            await _post_visit(container, _visit(uuid4(), 0))
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(post_visits() for _ in range(clients)))
    return times


async def _post_visit(container: Container, entries: Entries) -> None:
    async def post(transaction: Transaction) -> None:
        await container.get(Ledger).post(transaction.session, *entries)

    await container.get(Transactions).run(uuid4(), post)


def _visit(barber_id: UUID, number: int) -> Entries:
    """Build the entries of a paid visit: the payment, and its release to the barber."""
    at = _START + timedelta(seconds=number)
    payment_id, booking_id = uuid4(), uuid4()
    line = BalanceLine(
        id=f"txn_{payment_id.hex}",
        type="charge",
        amount=4_000,
        fee=90,
        net=3_910,
        currency="EUR",
        source=f"ch_{payment_id.hex}",
        created=at,
    )
    return (
        *payment_received(
            payment_id=payment_id,
            booking_id=booking_id,
            barber_id=barber_id,
            amount=4_000,
            currency="EUR",
            line=line,
            tip=False,
        ),
        *visit_released(
            payment_id=payment_id,
            booking_id=booking_id,
            barber_id=barber_id,
            amount=4_000,
            commission=600,
            currency="EUR",
            at=at,
        ),
    )


def _row(posted: Posted) -> list[str]:
    entries = Spread.of([rate * len(_visit(uuid4(), 0)) for rate in posted.rates])
    transactions = statistics.median(posted.rates)
    p50, p99 = (quantile(posted.times, percent) * 1_000 for percent in (50, 99))
    clients = f"{posted.clients} client{'' if posted.clients == 1 else 's'}"
    return [clients, entries.text(), f"{transactions:,.0f}", f"{p50:,.1f}", f"{p99:,.1f}"]
