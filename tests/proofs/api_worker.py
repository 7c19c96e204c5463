"""Kill API workers in turn while customers book through all of them."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final
from uuid import UUID

from tests.builders.barbers import barber
from tests.builders.people import register
from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome_beside
from tests.support.replacement import REPLACED_WITHIN_S, BookingLoad, seconds_until_replaced

_KILLS: Final = 5
_CLIENTS: Final = 4
_PAUSE_S: Final = 1.0


async def _prove(home: Path, tell: Tell) -> Result:
    async with open_world(home) as world, running_grome_beside(world.settings, home) as grome:
        async with http_client(grome.url) as http:
            shops = [await barber(http, world.container, durations=(5,), timezone="UTC") for _ in range(_CLIENTS)]
            loads = [BookingLoad(grome.url, shop, await register(http)) for shop in shops]
        running = [asyncio.create_task(load.run()) for load in loads]
        took = []
        for number in range(1, _KILLS + 1):
            await asyncio.sleep(_PAUSE_S)
            took.append(await _kill_one(grome))
            tell(f"kill {number}: replaced after {took[-1]:.1f} s")
        for load in loads:
            load.stopped = True
        await asyncio.gather(*running)
        answered = [UUID(booking) for load in loads for booking in load.answered]
        stored = await world.container.database["bookings"].count_documents({"_id": {"$in": answered}})
    statuses = {status for load in loads for status in load.statuses}
    broken = sum(load.broken.total() for load in loads)
    result = Result()
    result.hold(f"replaced within {max(took):.1f} s", holds=max(took) <= REPLACED_WITHIN_S)
    result.hold(f"{len(answered):,} answered, {len(answered) - stored} of them lost", holds=stored == len(answered))
    result.hold(f"statuses {', '.join(map(str, sorted(statuses)))}", holds=statuses == {201})
    # A client has one request under way, so a kill can break as many requests as there are clients.
    result.hold(f"{broken} requests broke with their process", holds=broken <= _KILLS * _CLIENTS)
    return result


async def _kill_one(grome: RunningGrome) -> float:
    """Kill one of the API workers, and return the seconds until another answers."""
    before = {process.pid for process in grome.workers("Server")}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    return await asyncio.to_thread(seconds_until_replaced, grome, "Server", before - {victim})


PROOF: Final = Proof(
    "api-worker",
    f"{_KILLS} kills of an API worker while {_CLIENTS} clients book: replaced within {REPLACED_WITHIN_S} s, the other "
    "worker answers all its requests, no answered booking is lost",
    _prove,
)
