"""Job workers and `grome serve` shut down without a warning where all is well."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from loguru import logger

from config.settings import Settings
from grome.common.ids import new_hex_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.runner import RunningJob
from tests.support.eventually import PATIENCE_S, START_PATIENCE_S, until
from tests.support.jobs import run_worker, wait_for_state
from tests.support.processes import environment, running_grome, warnings_in


@pytest.fixture
def warned() -> Iterator[list[str]]:
    """Collects the warnings and errors that Grome and SAQ log in this process."""
    lines: list[str] = []
    saq, of_saq = logging.getLogger("saq"), logging.Handler(logging.WARNING)
    of_saq.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    ours = logger.add(lambda message: lines.append(str(message)), level="WARNING")
    saq.addHandler(of_saq)
    yield lines
    saq.removeHandler(of_saq)
    logger.remove(ours)


async def has_started(container: Container) -> bool:
    infos = await asyncio.gather(*(queue.info() for queue in container.get(Queues).values()))
    return all(info["workers"] for info in infos)


async def test_worker_stopped_without_a_running_job_logs_no_warning(container: Container, warned: list[str]) -> None:
    async with run_worker(container, {}):
        await until(lambda: has_started(container))
    assert warned == []


async def test_worker_stopped_before_its_tasks_started_logs_no_warning(container: Container, warned: list[str]) -> None:
    async with run_worker(container, {}):
        await asyncio.sleep(0)
    assert warned == []


async def test_job_that_ends_within_the_grace_period_is_done(container: Container, warned: list[str]) -> None:
    kind, begun = JobKind("brief", Queue.DEFAULT, timeout_s=10, delays_s=()), asyncio.Event()

    async def work(_container: Container, _job: RunningJob) -> None:
        begun.set()
        await asyncio.sleep(0.2)

    new = NewJob(new_hex_id(), kind, {})
    async with run_worker(container, {kind: work}):
        await container.get(JobQueue).add(new)
        await until(begun.is_set)
    await wait_for_state(container, new, State.DONE)
    assert warned == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_worker_process_ended_by_a_signal_logs_no_warning(
    settings: Settings,
    database: None,  # noqa: ARG001 -- there are collections
    tmp_path: Path,
    signum: signal.Signals,
) -> None:
    namespace = new_hex_id()
    redis = msgspec.structs.replace(settings.redis, namespace=namespace)
    container = await open_container(msgspec.structs.replace(settings, redis=redis))
    log, env = tmp_path / "log", environment(settings, tmp_path, GROME_REDIS_NAMESPACE=namespace)
    command = [sys.executable, "-m", "grome", "worker"]
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*command, env=env, stdout=out, stderr=out)
    try:
        await until(lambda: has_started(container), within_s=START_PATIENCE_S)
        process.send_signal(signum)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:  # the event loop waits for its children when it is closed
            process.kill()
    await container.close()
    assert warnings_in(log) == []


def test_grome_serve_ended_by_sigterm_logs_no_warning(
    settings: Settings,
    database: None,  # noqa: ARG001 -- there are collections
    tmp_path: Path,
) -> None:
    """`grome run` ends it by SIGINT, which `tests/journeys/test_boot.py` covers."""
    with running_grome(settings, tmp_path, workers=1) as grome:
        pass
    assert grome.process.returncode == 0
    assert warnings_in(grome.log) == []
