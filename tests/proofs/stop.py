"""End a Grome by SIGTERM in the midst of requests, uploads, live clients and jobs, and start it again."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec

from grome.cli.serving import stop_seconds
from grome.infrastructure.jobs.models import State
from grome.realtime.close_codes import CloseCode
from tests.builders.barbers import barber
from tests.builders.people import create_admin, register
from tests.builders.receiver import Receiver, receiving
from tests.proofs.proof import Proof, Result, Tell, World, open_world
from tests.rolling.load import BOOKINGS, Load
from tests.rolling.long_requests import SOCKETS, STREAMS, LongRequests
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, free_port, running_grome_beside

# Those of production.
_STOP_DELAY_S: Final = 5.0
_FINISH_S: Final = 10.0
_CLIENTS: Final = 2
_LOAD_S: Final = 6.0
# HAProxy leaves a Grome so long after the signal.
_LEFT_AFTER_S: Final = 2.0
# A webhook takes longer than the second that jobs have at a stop.
_RECEIVER_PAUSE_S: Final = 3.0


async def _prove(home: Path, tell: Tell) -> Result:
    result = Result()
    async with open_world(home) as world, receiving(_RECEIVER_PAUSE_S) as receiver, AsyncExitStack() as stack:
        port, beside = str(free_port()), LongRequests()
        grome = await stack.enter_async_context(_grome(world, port))
        load = await _start(world, grome, receiver, beside)
        running = asyncio.create_task(load.run(_CLIENTS))
        await asyncio.sleep(_LOAD_S)
        tell(f"SIGTERM after {load.requests:,} requests")
        began, beside.is_away = time.monotonic(), True
        stopping = asyncio.create_task(stack.aclose())
        await asyncio.sleep(_LEFT_AFTER_S)
        load.is_over = True
        await running
        await beside.finish_requests()
        await stopping
        stop_s, jobs = time.monotonic() - began, world.container.database["jobs"]
        held = await jobs.count_documents({"state": State.PENDING.value, "claim": {"$ne": None}})
        pending = await jobs.count_documents({"state": State.PENDING.value})
        tell(f"stopped after {stop_s:.1f} s, {pending} jobs are left")
        stated = stop_seconds(
            msgspec.structs.replace(world.settings.http, stop_delay_s=_STOP_DELAY_S, finish_s=_FINISH_S)
        )
        result.hold(f"stopped after {stop_s:.1f} s of {stated:.0f} s stated", holds=stop_s <= stated)
        result.hold(f"{load.requests:,} requests, {len(load.failed)} failed", holds=not load.failed)
        result.hold(f"{pending} jobs left, {held} not handed back", holds=pending > 0 and held == 0)

        receiver.pause_s = 0.0
        await stack.enter_async_context(_grome(world, port))
        tell("started again")
        await beside.finish(world.container)
        await until(lambda: _is_drained(world), within_s=START_PATIENCE_S)
        await _count(world, load, receiver, result)
    moved = [beside.ended(kind)[CloseCode.DRAIN] for kind in (SOCKETS, STREAMS)]
    result.hold(f"{moved[0]} sockets and {moved[1]} streams told to reconnect", holds=all(moved))
    result.add_long_requests(beside)
    for reason in [*load.failed, *beside.failed][:20]:
        tell(reason)
    return result


def _grome(world: World, port: str) -> AbstractAsyncContextManager[RunningGrome]:
    return running_grome_beside(
        world.settings,
        world.home,
        GROME_HTTP_PORT=port,
        GROME_HTTP_STOP_DELAY_S=str(_STOP_DELAY_S),
        GROME_HTTP_FINISH_S=str(_FINISH_S),
        GROME_WEBHOOKS_PRIVATE_ADDRESSES="true",
    )


async def _start(world: World, grome: RunningGrome, receiver: Receiver, beside: LongRequests) -> Load:
    async with http_client(grome.url) as http:
        boss = await create_admin(http, world.container)
        answer = await http.post("/v1/webhooks/endpoints", json={"url": receiver.url}, headers=boss.auth)
        assert answer.status_code == 201, answer.text
        shop, customer = await barber(http, world.container, durations=(5,), timezone="UTC"), await register(http)
    load = Load(grome.url, shop, customer, pause_s=0.05)
    await beside.start(world.container, grome.url, shop)
    return load


async def _is_drained(world: World) -> bool:
    database = world.container.database
    events = await database["bookings"].count_documents({"history.0": {"$exists": True}})
    told = await database["jobs"].count_documents({"kind": "webhook"})
    return told >= events and not await database["jobs"].count_documents({"state": State.PENDING.value})


async def _count(world: World, load: Load, receiver: Receiver, result: Result) -> None:
    """Compare bookings and webhooks with the load. Each booking of it is one event."""
    stored = world.container.database["bookings"].find({"barber_id": load.shop.person.id}, {"history.id": 1})
    events = {str(entry["id"]) async for booking in stored for entry in booking["history"]}
    booked = load.tallies[BOOKINGS].requests
    result.hold(f"{booked:,} bookings answered, {booked - len(events)} lost", holds=booked == len(events))
    missing = events - set(receiver.ids)
    result.hold(f"{len(missing)} webhooks missing", holds=not missing)


PROOF: Final = Proof(
    "stop",
    "SIGTERM under load: ends within the stated time; requests, uploads and downloads under way finish; live clients "
    "are told to reconnect; jobs are handed back; nothing is lost after the next start",
    _prove,
)
