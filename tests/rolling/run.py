"""Replace all processes of Grome under load and count the failed requests: `make roll`.

First SIGHUP replaces the workers of one Grome again and again. Then two Gromes behind HAProxy are ended and started in
turn. HAProxy 2.4 or newer is needed for that part.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from config.settings import Settings
from grome.composition import open_container
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.people import register
from tests.chaos.run import settings_for
from tests.rolling.load import Load
from tests.rolling.long_requests import LongRequests
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, free_port, running_grome_beside
from tests.support.servers import own_mongod, own_valkey

_CONFIGURATION: Final = Path(__file__).parents[2] / "deploy" / "haproxy" / "haproxy.cfg"
_DONE: Final = "All processes were replaced"
# HAProxy sends requests to a server that came back after two good checks, a second each.
_RISE_SECONDS: Final = 4
_STOP_DELAY: Final = {"GROME_HTTP_STOP_DELAY_S": "5", "GROME_HTTP_FINISH_S": "10", "GROME_JOBS_WORKERS": "0"}

console = Console()


async def roll_by_signal(
    settings: Settings, home: Path, times: int, requests: int, clients: int, beside: LongRequests
) -> Load:
    """Replace the workers of one Grome by SIGHUP under load, with long requests and live clients beside it."""
    async with running_grome_beside(settings, home, GROME_LOG_LEVEL="INFO", GROME_HTTP_ACCESS_LOG="false") as grome:
        async with _container(settings) as container:
            async with _load(settings, grome.url, grome.url, clients, requests) as load:
                await beside.start(container, grome.url, load.shop)
                await _replace_all(grome, load, times)
            await beside.finish(container)
        return load


async def _replace_all(grome: RunningGrome, load: Load, times: int) -> None:
    for number in range(1, times + 1):
        grome.process.send_signal(signal.SIGHUP)
        await until(lambda: grome.log.read_text().count(_DONE) == number, within_s=START_PATIENCE_S)  # noqa: B023 -- awaited here
        console.print(f"Replaced all workers for the {number}. time after {load.requests:,} requests")


@asynccontextmanager
async def _container(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(settings)
    try:
        yield container
    finally:
        await container.close()


async def roll_behind_haproxy(settings: Settings, home: Path, requests: int, clients: int) -> Load:
    """End and start two Gromes behind HAProxy in turn under load."""
    ports = {name: str(free_port()) for name in ("one", "two")}
    async with AsyncExitStack() as one, AsyncExitStack() as two:
        runs, gromes = {"one": one, "two": two}, {}
        for name, port in ports.items():
            (home / name).mkdir()
            gromes[name] = await runs[name].enter_async_context(_one_of_two(settings, home / name, port))
        with _haproxy(ports) as url:
            await asyncio.sleep(_RISE_SECONDS)
            async with http_client(url) as http:
                (await http.get("/health/ready")).raise_for_status()
            async with _load(settings, gromes["one"].url, url, clients, requests) as load:
                for name, port in ports.items():
                    await runs[name].aclose()
                    console.print(f"Ended Grome {name} after {load.requests:,} requests")
                    await runs[name].enter_async_context(_one_of_two(settings, home / name, port))
                    await asyncio.sleep(_RISE_SECONDS)
    return load


def _one_of_two(settings: Settings, home: Path, port: str) -> AbstractAsyncContextManager[RunningGrome]:
    return running_grome_beside(settings, home, workers=1, GROME_HTTP_PORT=port, **_STOP_DELAY)


@asynccontextmanager
async def _load(settings: Settings, setup_url: str, url: str, clients: int, requests: int) -> AsyncIterator[Load]:
    """Run a load during the block, and until it has sent enough requests."""
    async with _container(settings) as container, http_client(setup_url) as http:
        shop, customer = await barber(http, container, durations=(5,), timezone="UTC"), await register(http)
    load = Load(url, shop, customer)
    running = asyncio.create_task(load.run(clients))
    try:
        yield load
        await until(lambda: load.requests >= requests, within_s=10 * START_PATIENCE_S)
    finally:
        load.is_over = True
        await running


@contextmanager
def _haproxy(ports: dict[str, str]) -> Iterator[str]:
    binary = shutil.which("haproxy")
    if not binary:
        sys.exit("HAProxy is not installed (`apt install haproxy`): --only signal leaves its part out.")
    listen = f"127.0.0.1:{free_port()}"
    addresses = {f"GROME_{name.upper()}": f"127.0.0.1:{port}" for name, port in ports.items()}
    process = Popen([binary, "-db", "-f", str(_CONFIGURATION)], env={**os.environ, **addresses, "GROME_LISTEN": listen})
    try:
        yield f"http://{listen}"
    finally:
        process.terminate()
        process.wait()


def _table(title: str, load: Load) -> Table:
    table = Table("requests", "sent", "failed", "connections", "slowest", title=title)
    for kind, tally in load.tallies.items():
        figures = (tally.requests, len(tally.failed), tally.connections)
        table.add_row(kind, *(f"{figure:,}" for figure in figures), f"{tally.slowest_s * 1000:,.0f} ms")
    table.add_row("all", f"{load.requests:,}", str(len(load.failed)), end_section=True)
    return table


async def _roll(home: Path, only: str | None, times: int, requests: int, clients: int) -> int:
    """Return the number of failed requests."""
    failed, beside = 0, LongRequests()
    for folder in ("mongod", "valkey"):
        (home / folder).mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings = settings_for(home, mongo.url, redis.url)
        parts = {
            "signal": (
                f"SIGHUP, {times} times",
                lambda: roll_by_signal(settings, home, times, requests, clients, beside),
            ),
            "haproxy": ("Two Gromes behind HAProxy", lambda: roll_behind_haproxy(settings, home, requests, clients)),
        }
        for name, (title, part) in parts.items():
            if only in (None, name):
                load = await part()
                console.print(_table(title, load))
                for reason in load.failed[:10]:
                    console.print(reason)
                failed += len(load.failed)
    for reason in beside.failed:
        console.print(reason)
    console.print(*(f"{times:,} times: {kind}" for kind, times in beside.done.items()), sep="\n")
    return failed + len(beside.failed)


@click.command()
@click.option("--only", type=click.Choice(["signal", "haproxy"]), help="Only one of the two parts.")
@click.option("--times", default=3, show_default=True, help="How often SIGHUP replaces all workers.")
@click.option("--requests", default=20_000, show_default=True, help="Fewest requests in each part.")
@click.option("--clients", default=4, show_default=True, help="Clients of each kind.")
def main(only: str | None, times: int, requests: int, clients: int) -> None:
    """Replace all processes of Grome under load and count the failed requests; exit code 1 if there are any."""
    with tempfile.TemporaryDirectory() as home:
        failed = asyncio.run(_roll(Path(home), only, times, requests, clients))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
