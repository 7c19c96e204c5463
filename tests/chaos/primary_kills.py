"""Kill the primary of a MongoDB replica set while 16 writers book, then look for each acknowledged booking.

`python -m tests.chaos.primary_kills` runs it with ten kills.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import click
import httpx
from rich.console import Console
from rich.table import Table

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, register
from tests.chaos.run import migrated_container, settings_for
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside
from tests.support.replica_set import ELECTION_TIMEOUT_MS, ReplicaSet, own_replica_set
from tests.support.servers import own_valkey

_WRITERS: Final = 16
_PAUSE_S: Final = 0.1
_CALM_S: Final = 3.0  # between a member's return and the next kill
MAX_GAP_S: Final = 5.0


@dataclass
class Outcome:
    """Holds the acknowledged bookings, the lost and doubled of them, and the gap without writes after each kill."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    retried: int = 0
    gaps: list[float] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled) and max(self.gaps) <= MAX_GAP_S

    def table(self) -> Table:
        title = (
            f"{len(self.gaps)} kills of the primary, {_WRITERS} writers, electionTimeoutMillis {ELECTION_TIMEOUT_MS}"
        )
        table = Table("figure", "value", title=title)
        ordered = sorted(self.gaps)
        table.add_row("acknowledged bookings", f"{self.acknowledged:,}")
        table.add_row("lost", f"{self.lost}")
        table.add_row("stored twice under one key", f"{self.doubled}")
        table.add_row("requests repeated after a fault", f"{self.retried:,}")
        table.add_row("gap without a write, median", f"{ordered[len(ordered) // 2]:.2f} s")
        table.add_row("gap without a write, longest", f"{ordered[-1]:.2f} s")
        return table


async def kill_primaries(home: Path, kills: int, tell: Callable[[str], None]) -> Outcome:
    """Run the writers against a Grome on a replica set of its own, and count lost bookings."""
    for folder in ("mongo", "valkey"):
        (home / folder).mkdir()
    with own_replica_set(home / "mongo") as mongo, own_valkey(home / "valkey") as redis:
        settings = settings_for(home, mongo.url, redis.url)
        async with (
            migrated_container(settings) as container,
            running_grome_beside(settings, home, GROME_MONGO_TIMEOUT_MS="5000") as grome,
            http_client(grome.url, timeout_s=10) as http,
        ):
            return await _Run(mongo, container, http, tell).run(kills)


@dataclass
class _Run:
    mongo: ReplicaSet
    container: Container
    http: httpx.AsyncClient
    tell: Callable[[str], None]
    outcome: Outcome = field(default_factory=Outcome)
    acknowledged: dict[str, UUID] = field(default_factory=dict)  # by the Idempotency-Key
    written_at: list[float] = field(default_factory=list)
    ended: bool = False

    async def run(self, kills: int) -> Outcome:
        writers = [(await self._shop(), await register(self.http)) for _ in range(_WRITERS)]
        tasks = [asyncio.create_task(self._write(shop, customer)) for shop, customer in writers]
        for kill in range(1, kills + 1):
            await asyncio.sleep(_CALM_S)
            killed_at = time.monotonic()
            number = await asyncio.to_thread(self.mongo.kill_primary)
            await asyncio.to_thread(self.mongo.await_primary)
            await asyncio.to_thread(self.mongo.restart, number)
            await asyncio.sleep(_CALM_S)
            self.outcome.gaps.append(self._longest_gap(killed_at))
            self.tell(f"kill {kill}: {self.outcome.gaps[-1]:.1f} s without a write")
        self.ended = True
        await asyncio.gather(*tasks)
        await self._count()
        return self.outcome

    async def _shop(self) -> Barber:
        return await barber(self.http, self.container, durations=(5,), timezone="UTC")

    def _longest_gap(self, since: float) -> float:
        moments = [since, *(at for at in self.written_at if at >= since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(moments))

    async def _write(self, shop: Barber, customer: Person) -> None:
        day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
        made = 0
        while not self.ended:
            made, key = made + 1, str(uuid4())
            start = day + timedelta(minutes=5 * made)
            body = {"barber_id": shop.id, "service_ids": [shop.services[0][0]], "scheduled_at": start.isoformat()}
            await self._book({"Idempotency-Key": key, **customer.auth}, body, key)

    async def _book(self, headers: dict[str, str], body: dict[str, Any], key: str) -> None:
        """Repeat the request under its key until it is acknowledged."""
        while True:
            await asyncio.sleep(_PAUSE_S)
            try:
                answer = await self.http.post("/v1/bookings", json=body, headers=headers)
            except httpx.TransportError:
                self.outcome.retried += 1
                continue
            if answer.is_success:
                self.acknowledged[key] = UUID(answer.json()["id"])
                self.written_at.append(time.monotonic())
                return
            in_flight = answer.status_code == 409 and answer.json()["code"] == "idempotency_key_in_flight"
            assert answer.status_code == 503 or in_flight, answer.text
            self.outcome.retried += 1

    async def _count(self) -> None:
        fields = {"idempotency.key": 1}
        stored = [found async for found in self.container.database["bookings"].find({}, fields)]
        by_key: dict[str, list[UUID]] = {}
        for document in stored:
            by_key.setdefault(document["idempotency"]["key"], []).append(document["_id"])
        self.outcome.acknowledged = len(self.acknowledged)
        self.outcome.lost = sum(made not in by_key.get(key, []) for key, made in self.acknowledged.items())
        self.outcome.doubled = sum(len(ids) > 1 for ids in by_key.values())


@click.command()
@click.option("--kills", default=10, show_default=True, type=click.IntRange(min=1))
def main(kills: int) -> None:
    """Kill the primary while 16 writers book, and count lost bookings and the gap of each kill."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="grome-primary-") as folder:
        outcome = asyncio.run(kill_primaries(Path(folder), kills, console.print))
    console.print(outcome.table())
    sys.exit(0 if outcome.is_right else 1)


if __name__ == "__main__":
    main()
