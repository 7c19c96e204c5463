"""Send thousands of generated requests as every role: `python -m tests.api.fuzz --cases 10000` or `make fuzz`.

Valid and invalid data, boundary values of every field, made-up and known ids. Unlike `make hunt` it goes on after a
failure, and tells each kind of failure once.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import schemathesis
from rich.console import Console
from rich.table import Table

from config.loading import load_settings
from config.settings import Settings
from grome.cli.bootstrap import opened_container
from grome.infrastructure.made_keys import with_made_keys
from grome.infrastructure.migrations import migrate
from grome.migrations import MIGRATIONS
from tests.api.schema_cases import (
    CALLERS,
    SchemaCast,
    generate_requests,
    name_known_ids,
    read_schema,
    schema_cast,
    send_case,
)
from tests.api.surface import ROUTES, Route
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome
from tests.support.servers import own_mongod, own_valkey
from tests.support.stripe import local_stripe, with_payments

_ALLOWED_TURNS: Final = 3  # of four cases; the fourth is sent as a caller that the route refuses, if there is one
_MAX_SHOWN: Final = 1_500


@dataclass
class Outcome:
    """Counts requests by caller and status, and keeps the first failure of each kind and route."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    cases: int = 0
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def table(self) -> Table:
        table = Table("caller", "requests", "2xx", "4xx", "503", "other 5xx")
        for caller in CALLERS:
            counts = {status: count for (who, status), count in self.requests.items() if who == caller}
            client = sum(count for status, count in counts.items() if 400 <= status < 500)
            faults = sum(count for status, count in counts.items() if status >= 500 and status != 503)
            success = sum(count for status, count in counts.items() if status < 300)
            table.add_row(caller, *map(str, (sum(counts.values()), success, client, counts.get(503, 0), faults)))
        return table


def fuzz_route(api: Any, route: Route, url: str, cast: SchemaCast, outcome: Outcome) -> None:
    """Send the cases of one route as the allowed callers in turn, and now and then as another."""
    allowed = api[route.path][route.method].definition.raw["x-roles"]
    refused = [caller for caller in CALLERS if caller not in allowed] or allowed
    turns = itertools.cycle([*([True] * _ALLOWED_TURNS), False])
    callers = {True: itertools.cycle(allowed), False: itertools.cycle(refused)}

    def send(case: schemathesis.Case[Any], caller: str) -> None:
        try:
            status = send_case(case, url, cast.auths[caller])
        except (Exception, BaseExceptionGroup) as fault:  # noqa: BLE001 -- a report of failures of any kind
            kinds = [type(each).__name__ for each in getattr(fault, "exceptions", [fault])]
            outcome.failures.setdefault((str(route), ", ".join(kinds)), f"as {caller}: {fault}"[:_MAX_SHOWN])
            return
        outcome.requests[caller, status] += 1
        if status >= 500 and status != 503:
            outcome.failures.setdefault((str(route), f"status {status}"), f"as {caller}: {case.as_curl_command()}")

    def check(case: schemathesis.Case[Any]) -> None:
        outcome.cases += 1
        caller = next(callers[next(turns)])
        send(case, caller)
        if name_known_ids(case, cast.ids):
            send(case, caller)

    generate_requests(api, route, check)


async def _prepare(settings: Settings) -> None:
    async with opened_container(settings) as container:
        async for _ in migrate(container.database, MIGRATIONS, container.clock):
            pass


async def _new_cast(settings: Settings, running: RunningGrome) -> SchemaCast:
    async with opened_container(settings) as container, http_client(running.url) as client:
        return await schema_cast(client, container)


def fuzz(folder: Path, cases: int, seed: int, only: str, console: Console) -> Outcome:
    """Serve a Grome of its own, and send about `cases` cases to its routes."""
    routes = [route for route in ROUTES if only in str(route)]
    config = {"seed": seed, "generation": {"max-examples": max(1, -(-cases // len(routes)))}}
    api, outcome = read_schema(config), Outcome()
    for name in ("mongod", "valkey"):
        (folder / name).mkdir()
    with own_mongod(folder / "mongod") as mongo, own_valkey(folder / "valkey") as redis, local_stripe(folder) as stripe:
        servers = {"GROME_MONGO_URL": mongo.url, "GROME_REDIS_URL": redis.url}
        base = load_settings({"GROME_ENV": "test", "GROME_HOME": str(folder), **servers})
        settings = with_payments(with_made_keys(base, folder), stripe)
        asyncio.run(_prepare(settings))
        with running_grome(settings, folder, GROME_JOBS_WORKERS="0") as running:
            for number, route in enumerate(routes, start=1):
                began, before = time.monotonic(), sum(outcome.requests.values())
                fuzz_route(api, route, running.url, asyncio.run(_new_cast(settings, running)), outcome)
                sent, spent = sum(outcome.requests.values()) - before, time.monotonic() - began
                console.print(f"{number}/{len(routes)} {route}: {sent} requests in {spent:.0f} s")
    return outcome


@click.command()
@click.option("--cases", default=10_000, show_default=True, type=click.IntRange(min=1), help="Generated requests.")
@click.option("--seed", default=1, show_default=True, help="The same seed generates the same requests.")
@click.option("--only", default="", help="A part of the method and path of the routes, e.g. `/v1/auth/`.")
def main(cases: int, seed: int, only: str) -> None:
    """Fuzz all routes as nobody and as every role; exit code 1 after a failure."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="grome-fuzz-") as folder:
        outcome = fuzz(Path(folder), cases, seed, only, console)
    for (route, kind), told in outcome.failures.items():
        console.print(f"\n{route}: {kind}\n{told}", markup=False)
    console.print(outcome.table())
    console.print(
        f"{outcome.cases:,} cases, {sum(outcome.requests.values()):,} requests as described,"
        f" {len(outcome.failures)} kinds of failures"
    )
    sys.exit(1 if outcome.failures else 0)


if __name__ == "__main__":
    main()
