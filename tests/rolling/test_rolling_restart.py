"""SIGHUP replaces the processes of `grome serve` without a failed request. `make roll` does it for longer."""

import asyncio
import signal
from pathlib import Path

import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.people import register
from tests.rolling.load import Load
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside

pytestmark = pytest.mark.alone

DONE = "All processes were replaced"
REFUSED = "The new code cannot start"


async def test_reload_replaces_all_processes_without_a_failed_request(
    settings: Settings,
    container: Container,
    database: None,  # noqa: ARG001 -- there are collections
    tmp_path: Path,
) -> None:
    """A reload that finds a fault in the settings, before it, changes nothing."""
    password = tmp_path / "password"
    async with running_grome_beside(
        settings, tmp_path, workers=1, GROME_LOG_LEVEL="INFO", GROME_MAIL_PASSWORD_FILE=str(stored(password))
    ) as grome:
        async with http_client(grome.url) as http:
            shop, customer = await barber(http, container, durations=(5,), timezone="UTC"), await register(http)
        load = Load(grome.url, shop, customer, pause_s=0.05)
        running = asyncio.create_task(load.run(2))
        before = {kind: {process.pid for process in grome.workers(kind)} for kind in ("Server", "Jobs")}
        password.unlink()
        grome.process.send_signal(signal.SIGHUP)
        await until(lambda: REFUSED in grome.log.read_text(), within_s=START_PATIENCE_S)
        assert {kind: {process.pid for process in grome.workers(kind)} for kind in before} == before

        stored(password)
        grome.process.send_signal(signal.SIGHUP)
        await until(lambda: DONE in grome.log.read_text(), within_s=START_PATIENCE_S)
        await until(lambda: grome.log.read_text().count("starts as job worker") == 2, within_s=START_PATIENCE_S)
        for kind, pids in before.items():
            after = {process.pid for process in grome.workers(kind)}
            assert len(after) == 1
            assert not pids & after
        load.is_over = True
        await running
    assert load.failed == []
    assert all(tally.requests for tally in load.tallies.values())


def stored(path: Path) -> Path:
    path.write_text("any")
    return path
