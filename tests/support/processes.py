"""A whole Grome as its own processes, as `grome serve` starts it: API workers, job worker, process manager."""

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from config.settings import Settings
from grome.dev.embedded.home_lock import OWNER_VARIABLE
from tests.support.eventually import PATIENCE_S, START_PATIENCE_S
from tests.support.http_client import TLS

_WARNING: Final = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")


@dataclass(frozen=True)
class RunningGrome:
    """`log` collects the output of the processes, as JSON lines."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def workers(self, kind: str) -> list[psutil.Process]:
        """Return the living processes of Sanic's manager with a name that starts with `Sanic-<kind>`."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if child.environ().get("SANIC_WORKER_NAME", "").startswith(f"Sanic-{kind}"):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def wait_until_ready(self, seconds: float = START_PATIENCE_S) -> None:
        deadline = time.monotonic() + seconds
        with httpx.Client(base_url=self.url, timeout=2, verify=TLS) as http:
            while time.monotonic() < deadline:
                assert self.process.poll() is None, self.log.read_text()
                try:
                    if http.get("/health/ready").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s:\n{self.log.read_text()}")


def free_port() -> int:
    """The ports are below the ephemeral ports of Linux, because an outgoing connection could take an ephemeral port
    first.
    """
    while True:
        port = random.randint(15_000, 32_000)  # noqa: S311 -- no secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep the mark by which `tests/support/process_reaper.py` finds orphaned processes."""
    return {name: value for name, value in environ.items() if not name.startswith("GROME_") or name == OWNER_VARIABLE}


def environment(settings: Settings, home: Path, **changed: str) -> dict[str, str]:
    """Return the environment of `grome serve` with the servers of the tests."""
    return {
        **without_settings(os.environ),
        "GROME_ENV": "test",
        "GROME_HOME": str(home),
        "GROME_MONGO_URL": settings.mongo.url,
        "GROME_MONGO_DATABASE": settings.mongo.database,
        "GROME_REDIS_URL": settings.redis.url,
        "GROME_ACCOUNTS_SIGNING_KEY": settings.accounts.signing_key,
        "GROME_ACCOUNTS_OLD_SIGNING_KEYS": settings.accounts.old_signing_keys,
        "GROME_ACCOUNTS_SECRETS_KEYS": settings.accounts.secrets_keys,
        "GROME_ACCOUNTS_PEPPER": settings.accounts.pepper,
        "GROME_LOG_FORMAT": "json",
        **_stripe_environment(settings),
        **changed,
    }


def _stripe_environment(settings: Settings) -> dict[str, str]:
    stripe = settings.stripe
    if not stripe.secret_key:
        return {}
    return {
        "GROME_STRIPE_SECRET_KEY": stripe.secret_key,
        "GROME_STRIPE_PUBLISHABLE_KEY": stripe.publishable_key,
        "GROME_STRIPE_WEBHOOK_SECRETS": stripe.webhook_secrets,
        "GROME_STRIPE_URL": stripe.url,
    }


@contextmanager
def running_grome(settings: Settings, home: Path, *, workers: int = 2, **changed: str) -> Iterator[RunningGrome]:
    """`grome serve` with its own port, or a given one; ended by SIGTERM, and nothing of it may be left.

    In a session of its own, since Sanic kills its process group where a worker does not start in time.
    """
    port = changed.pop("GROME_HTTP_PORT", "") or str(free_port())
    env = environment(settings, home, GROME_HTTP_PORT=port, GROME_HTTP_WORKERS=str(workers), **changed)
    with running_command([sys.executable, "-m", "grome", "serve"], env, home / "grome.log") as running:
        yield running


@contextmanager
def running_command(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[RunningGrome]:
    """A command that serves on `GROME_HTTP_PORT`."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, start_new_session=True)
    running = RunningGrome(f"http://127.0.0.1:{env['GROME_HTTP_PORT']}", process, log)
    try:
        running.wait_until_ready()
        yield running
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_S)
        left = survivors(family, within_s=PATIENCE_S)  # the resource tracker ends when it sees the others gone
        for survivor in left:
            survivor.kill()
    assert not left, f"{left} outlived their manager"


@asynccontextmanager
async def running_grome_beside(
    settings: Settings, home: Path, *, workers: int = 2, **changed: str
) -> AsyncIterator[RunningGrome]:
    """`running_grome` for an async test: the event loop, and with it the drivers' monitors, runs on meanwhile."""
    grome = running_grome(settings, home, workers=workers, **changed)
    started = await asyncio.to_thread(grome.__enter__)
    try:
        yield started
    finally:
        await asyncio.to_thread(grome.__exit__, None, None, None)


def survivors(processes: Iterable[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Those that still run after so long. A zombie has ended; in a container nobody may come to collect it."""
    deadline = time.monotonic() + within_s
    left = list(processes)
    while left and time.monotonic() < deadline:
        left = [process for process in left if _runs(process)]
        time.sleep(0.02)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def warnings_in(log: Path) -> list[str]:
    """The lines of a log, readable or JSON, at level WARNING or above."""
    return [line for line in log.read_text().splitlines() if _WARNING.search(line)]
