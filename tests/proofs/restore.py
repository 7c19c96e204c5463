"""Back up a Grome under load, restore it into a fresh server, and serve from there; `make drill` runs it."""

import asyncio
import base64
import os
import sys
import time
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import msgspec

from config.settings import Settings
from grome.audit.jobs import sign_audit_head
from grome.infrastructure.backup.digests import CollectionDigest
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, Database, split_batch
from grome.ledger.jobs import seal_ledger
from tests.builders.barbers import Barber, barber
from tests.builders.ledger import post, visit_entries
from tests.builders.people import register
from tests.chaos.run import migrated_container
from tests.proofs.proof import Proof, Result, Tell, World, open_world
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.processes import environment, running_grome_beside
from tests.support.replacement import BookingLoad
from tests.support.servers import own_mongod

_CLIENTS: Final = 4
_PAID_VISITS: Final = 500
_BOOKINGS_BETWEEN: Final = 150


class _Commands:
    """Runs `grome` beside the loop, with the settings of one server."""

    def __init__(self, settings: Settings, home: Path, tell: Tell) -> None:
        self._environment, self._tell = {**environment(settings, home), "COLUMNS": "200"}, tell

    async def run(self, *arguments: str) -> float:
        """Return the seconds it took. Raises AssertionError with its output if it fails."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "grome", *arguments),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        told = output.decode()
        assert process.returncode == 0, f"grome {' '.join(arguments)}: {told}"
        for line in filter(None, told.splitlines()):
            self._tell(f"grome {arguments[0]}: {line}")
        return time.monotonic() - began


async def _prove(home: Path, tell: Tell) -> Result:
    key = home / "backup-key"
    key.write_bytes(base64.b64encode(os.urandom(32)))
    options = (str(home / "backup"), "--key-file", str(key))
    result = Result()
    async with open_world(home) as world:
        await _stop_expiry(world.container)
        source = _Commands(world.settings, home, tell)
        loads, backup_s = await _back_up_under_load(world, source, options)
        await seal_ledger({"container": world.container})
        await sign_audit_head({"container": world.container})
        await source.run("backup", *options, "--oplog")
        expected = await digests(world.container.database)
        with own_mongod(_folder(home / "fresh")) as fresh:
            mongo = msgspec.structs.replace(world.settings.mongo, url=fresh.url)
            settings = msgspec.structs.replace(world.settings, mongo=mongo)
            target = _Commands(settings, home, tell)
            restore_s = await target.run("restore", *options)
            async with migrated_container(settings) as container:
                await _stop_expiry(container)
                same = await digests(container.database) == expected
                for command in (("ledger", "verify"), ("audit", "verify"), ("migrate",)):
                    await target.run(*command)
                lost = await _serve(settings, container, loads)
    documents = sum(count for count, _ in expected.values())
    result.hold(f"dumped in {backup_s:.0f} s under load, two additions", holds=True)
    result.hold(f"{documents:,} documents restored in {restore_s:.0f} s", holds=documents > 0)
    result.hold(f"{len(expected)} collections {'equal' if same else 'not equal'}", holds=same)
    answered = sum(len(load.answered) for load in loads)
    result.hold(f"{answered:,} bookings answered, {lost} lost", holds=lost == 0)
    result.hold("ledger and audit trail verified, booked anew", holds=True)
    return result


async def _back_up_under_load(
    world: World, source: _Commands, options: tuple[str, ...]
) -> tuple[list[BookingLoad], float]:
    """Dump and add to the backup while customers book; return the loads and the seconds of the dump."""
    async with running_grome_beside(world.settings, world.home) as grome:
        async with http_client(grome.url) as http:
            shops = [await barber(http, world.container, durations=(5,), timezone="UTC") for _ in range(_CLIENTS)]
            loads = [BookingLoad(grome.url, shop, await register(http)) for shop in shops]
        for shop in shops:
            await _pay_visits(world.container, shop)
        running = [asyncio.create_task(load.run()) for load in loads]
        await _await_bookings(loads)
        seconds = await source.run("backup", *options)
        await _await_bookings(loads)
        await source.run("backup", *options, "--oplog")
        await _await_bookings(loads)
        for load in loads:
            load.stopped = True
        await asyncio.gather(*running)
    return loads, seconds


async def _pay_visits(container: Container, shop: Barber) -> None:
    for _ in range(_PAID_VISITS // _CLIENTS):
        await post(container, *visit_entries(shop.person.id))


async def _await_bookings(loads: list[BookingLoad]) -> None:
    """Wait for further bookings."""
    wanted = sum(len(load.answered) for load in loads) + _BOOKINGS_BETWEEN
    await until(lambda: sum(len(load.answered) for load in loads) >= wanted)


async def _serve(settings: Settings, container: Container, loads: list[BookingLoad]) -> int:
    """Serve from the restored database: read, book once more, and return the number of lost bookings."""
    async with (
        running_grome_beside(settings, _folder(Path(settings.home) / "restored")) as grome,
        http_client(grome.url) as http,
    ):
        for load in loads:
            await _require_readable(http, load)
            again = BookingLoad(grome.url, load.shop, load.customer, _next=10 * len(load.answered))
            task = asyncio.create_task(again.run())
            await until(lambda again=again: bool(again.statuses))  # type: ignore[misc]
            again.stopped = True
            await task
            assert set(again.statuses) == {201}, again.statuses
    answered = [UUID(booking) for load in loads for booking in load.answered]
    return len(answered) - await container.database["bookings"].count_documents({"_id": {"$in": answered}})


async def _require_readable(http: httpx.AsyncClient, load: BookingLoad) -> None:
    """Read the last booking with the access token from before the restore."""
    answer = await http.get(f"/v1/bookings/{load.answered[-1]}", headers=load.customer.auth)
    assert answer.status_code == 200, answer.text


async def digests(database: Database) -> dict[str, tuple[int, str]]:
    """Return the number and the digest of each collection's documents."""
    found = {}
    for name in sorted(await database.list_collection_names()):
        digest = CollectionDigest()
        async for batch in database[name].find_raw_batches():
            for document in split_batch(batch):
                digest.add(document)
        found[name] = (digest.count, digest.hex())
    return found


async def _stop_expiry(container: Container) -> None:
    """A document that expires between backup and comparison would be a difference."""
    await container.get(Client).admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


PROOF: Final = Proof(
    "restore",
    f"backup while {_CLIENTS} clients book, restore into a fresh server: all collections are equal, ledger and audit "
    "trail verify, Grome serves from it and no answered booking is lost",
    _prove,
)
