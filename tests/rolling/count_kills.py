"""Compare `/metrics` with the responses of a load while API workers are killed: `make counts`.

A worker counts a response just before it sends the response. So each status of each route must be counted at least as
often as clients have got it, and at most as often as that plus the requests that broke.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from config.settings import Settings
from tests.chaos.run import settings_for
from tests.support.http_client import http_client
from tests.support.killing import kill_worker
from tests.support.processes import RunningGrome, running_grome_beside
from tests.support.servers import own_mongod, own_valkey

_SECRET: Final = "a-secret-of-the-proof"
_PATHS: Final = {
    "/v1/barbers/nearby?lat=52.5&lng=13.4": "/v1/barbers/nearby",
    "/v1/services": "/v1/services",
    "/v1/bookings/01a22d4d-8920-77bd-b2cb-377d47d36d21": "/v1/bookings/{booking_id}",
    "/no/such/address": "none",
}
Response = tuple[str, str]  # its route and status
console = Console()


class Load:
    """Sends requests to all paths in turn, and counts responses by route and status."""

    def __init__(self) -> None:
        self.responses: Counter[Response] = Counter()
        self.broken: Counter[str] = Counter()

    async def run(self, url: str, until: float) -> None:
        async with http_client(url) as http:
            while time.monotonic() < until:
                for path, route in _PATHS.items():
                    try:
                        answer = await http.get(path)
                    except httpx.TransportError:
                        self.broken[route] += 1
                    else:
                        self.responses[route, str(answer.status_code)] += 1


@dataclass
class Outcome:
    """`lines` compare each route and status, `differing` are those of them that do not agree."""

    responses: int
    broken: int
    died: int
    lines: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


async def counted(grome: RunningGrome) -> Counter[Response]:
    """Return the responses to GET by route and status, as `/metrics` counts them."""
    async with http_client(grome.url) as http:
        answer = await http.get("/metrics", headers={"Authorization": f"Bearer {_SECRET}"})
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    found = [each for each in samples if each.name == "grome_http_requests_total" and each.labels["method"] == "GET"]
    return Counter({(each.labels["route"], each.labels["status"]): int(each.value) for each in found})


async def prove(settings: Settings, home: Path, seconds: int, kills: int, clients: int) -> Outcome:
    """Compare the counts with the load."""
    limits = dict.fromkeys(("GROME_LIMITS_READ", "GROME_LIMITS_SEARCH"), "10000000")
    async with running_grome_beside(
        settings, home, GROME_HTTP_METRICS_TOKEN=_SECRET, GROME_JOBS_WORKERS="0", **limits
    ) as grome:
        before, load = await counted(grome), Load()
        ends = time.monotonic() + seconds
        running = [asyncio.create_task(load.run(grome.url, ends)) for _ in range(clients)]
        for _ in range(kills):
            await asyncio.sleep(seconds / (kills + 1))
            await asyncio.to_thread(kill_worker, grome, "Server", random.Random())  # noqa: S311 -- no secret
        await asyncio.gather(*running)
        after, died = await counted(grome), grome.log.read_text().count("died with exit code -9")
    outcome = Outcome(load.responses.total(), load.broken.total(), died)
    for route, status in sorted(load.responses):
        got, shown = load.responses[route, status], after[route, status] - before[route, status]
        outcome.lines.append(
            f"{route} {status}: {got:,} responses, {shown:,} counted, {load.broken[route]} broken requests"
        )
        if not got <= shown <= got + load.broken[route]:
            outcome.differing.append(outcome.lines[-1])
    return outcome


@click.command()
@click.option("--seconds", default=60, show_default=True)
@click.option("--kills", default=5, show_default=True)
@click.option("--clients", default=8, show_default=True)
def main(seconds: int, kills: int, clients: int) -> None:
    """Compare the counts of requests with a load through kills of workers; exit code 1 if they differ."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("mongod", "valkey"):
            (home / name).mkdir()
        with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as valkey:
            outcome = asyncio.run(prove(settings_for(home, mongo.url, valkey.url), home, seconds, kills, clients))
    console.print(*outcome.lines, sep="\n")
    console.print(f"{outcome.responses:,} responses, {outcome.broken} broken requests, {outcome.died} killed workers")
    sys.exit(bool(outcome.differing) or outcome.died != kills)


if __name__ == "__main__":
    main()
