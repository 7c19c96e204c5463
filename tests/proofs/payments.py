"""Pay among lost answers, errors and kills until 1,000 payments were begun, and compare the books with Stripe's."""

import asyncio
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path
from typing import Final

from loguru import logger

from config.settings import Settings
from tests.payments.run import money_settings, run_world
from tests.proofs.proof import Proof, Result, Tell
from tests.support.servers import own_mongod, own_valkey

_PAYMENTS: Final = 1_000
_STEPS: Final = 300
_PROCESSES: Final = 2

World = tuple[Counter[str], list[str]]


async def _prove(home: Path, tell: Tell) -> Result:
    for name in ("mongod", "valkey"):
        (home / name).mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings, seeds = money_settings(home, mongo.url, redis.url), count(1)
        total, errors = Counter[str](), list[str]()
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(_PROCESSES, spawn, _stop_logging) as pool:

            async def run_worlds() -> None:
                while total["payments"] < _PAYMENTS and not errors:
                    seed = next(seeds)
                    loop = asyncio.get_running_loop()
                    counted, found = await loop.run_in_executor(pool, _run_one, settings, home, seed)
                    total.update(counted)
                    errors.extend(f"world {seed}: {error}" for error in found)
                    tell(f"world {seed}: {counted['payments']} payments, {len(found)} errors in the books")

            await asyncio.gather(*(run_worlds() for _ in range(_PROCESSES)))
    result = Result(misses=errors)
    result.hold(f"{total['payments']:,} payments", holds=total["payments"] >= _PAYMENTS)
    told = ("collected payments", "refunds", "ledger entries", "calls answered by a fault", "kills")
    result.figures += [f"{total[name]:,} {name}" for name in told]
    result.figures.append(f"{len(errors)} differences")
    return result


def _stop_logging() -> None:
    logger.remove()


def _run_one(settings: Settings, home: Path, seed: int) -> World:
    return asyncio.run(run_world(settings, home, seed, _STEPS))


PROOF: Final = Proof(
    "payments",
    f"{_PAYMENTS:,} payments among faults of Stripe and kills: ledger, payments and bookings equal Stripe to the cent",
    _prove,
)
