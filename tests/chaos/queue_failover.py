"""Kill the primary of the job queues behind Sentinels while people book, then count jobs that were lost.

`python -m tests.chaos.queue_failover` runs it.
"""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from grome.infrastructure.jobs.models import State
from tests.builders.barbers import barber
from tests.builders.people import register
from tests.chaos.run import DRAINED_WITHIN_S, migrated_container, settings_for
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside
from tests.support.sentinels import own_sentinels
from tests.support.servers import own_mongod, own_valkey

_PAUSE_S: Final = 0.05


async def fail_over(home: Path, bookings: int) -> bool:
    """Book, and kill the primary after a third of the bookings. Returns whether all requests and jobs succeeded."""
    for folder in ("mongo", "valkey", "queues"):
        (home / folder).mkdir()
    with (
        own_mongod(home / "mongo") as mongo,
        own_valkey(home / "valkey") as redis,
        own_sentinels(home / "queues") as queues,
    ):
        settings = settings_for(home, mongo.url, redis.url)
        async with (
            migrated_container(settings) as container,
            running_grome_beside(settings, home, GROME_REDIS_QUEUES_URL=queues.url) as grome,
            http_client(grome.url, timeout_s=10) as http,
        ):
            shop, customer = await barber(http, container, durations=(5,), timezone="UTC"), await register(http)
            day = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
            jobs, failed, slowest, killed_at = container.database["jobs"], 0, 0.0, datetime.now(UTC)
            for number in range(bookings):
                if number == bookings // 3:
                    killed_at = datetime.now(UTC)
                    await asyncio.to_thread(queues.kill_primary)
                start = (day + timedelta(minutes=5 * number)).isoformat()
                body = {"barber_id": shop.id, "service_ids": [shop.services[0][0]], "scheduled_at": start}
                sent = time.monotonic()
                failed += (await http.post("/v1/bookings", json=body, headers=customer.auth)).status_code != 201
                slowest = max(slowest, time.monotonic() - sent)
                await asyncio.sleep(_PAUSE_S)
            ended = time.monotonic()
            notices = {"kind": "notify", "created_at": {"$gte": killed_at}}

            async def is_drained() -> bool:
                relayed = await container.database["audit"].count_documents({"type": "booking.requested"})
                return relayed == bookings and not await jobs.count_documents({"state": State.PENDING.value})

            await until(is_drained, within_s=DRAINED_WITHIN_S)
            drained_s = time.monotonic() - ended
            dead = await jobs.count_documents({"state": {"$ne": State.DONE.value}})
            total, after = await jobs.count_documents({}), await jobs.count_documents(notices)
            click.echo(f"bookings {bookings}, failed requests {failed}, slowest request {slowest * 1000:.0f} ms")
            click.echo(f"jobs {total} ({after} notices after the kill), not done {dead}, drained in {drained_s:.1f} s")
            return not (failed or dead)


@click.command()
@click.option("--bookings", default=300, show_default=True, type=click.IntRange(min=3))
def main(bookings: int) -> None:
    """Kill the primary of the queues while people book, and count requests and jobs that failed."""
    with tempfile.TemporaryDirectory(prefix="grome-queues-") as folder:
        sys.exit(0 if asyncio.run(fail_over(Path(folder), bookings)) else 1)


if __name__ == "__main__":
    main()
