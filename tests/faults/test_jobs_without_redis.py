"""A job worker without Redis uses little CPU, logs little, and later runs all jobs that were added meanwhile."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from config.settings import Settings
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob, Queue, State
from grome.infrastructure.outbox.deferred_events import REDELIVER
from grome.infrastructure.outbox.models import Event, EventType
from tests.faults.conftest import OwnServers
from tests.support.eventually import PATIENCE_S, START_PATIENCE_S, until
from tests.support.processes import environment

MOST_CPU = 0.10
MOST_LINES = 20
AWAY_S = 5


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def worker(own_settings: Settings, own_database: None, log: Path) -> Iterator[psutil.Process]:  # noqa: ARG001
    env = environment(own_settings, log.parent, GROME_LOG_LEVEL="INFO")
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "grome", "worker"], env=env, stdout=out, stderr=out)
    yield psutil.Process(process.pid)
    process.terminate()
    process.wait(timeout=PATIENCE_S)


def a_job() -> NewJob:
    event = Event(
        id=new_id(),
        type=EventType.BOOKING_STARTED,
        at=system_clock(),
        subject_id=new_id(),
        version=1,
        people=(new_id(), new_id()),
    )
    return NewJob(f"{event.id}:trial", REDELIVER, {"follower": "audit trail", "event": msgspec.to_builtins(event)})


async def is_done(container: Container, new: NewJob) -> bool:
    job = await container.get(JobQueue).find(new.id)
    return job is not None and job.state is State.DONE


async def test_worker_without_redis_waits_idle_and_loses_no_job(
    own: OwnServers, worker: psutil.Process, elsewhere: Container, log: Path
) -> None:
    first, added_meanwhile = a_job(), [a_job() for _ in range(20)]
    await elsewhere.get(JobQueue).add(first)
    await until(lambda: is_done(elsewhere, first), within_s=START_PATIENCE_S)

    own.redis.kill()
    await until(lambda: sum("Redis is unavailable" in line for line in read_lines(log)) >= len(Queue))
    await asyncio.sleep(1)  # until all reactions to the loss are logged
    lines, before = read_lines(log), cpu_s(worker)
    await elsewhere.get(JobQueue).add(*added_meanwhile)
    await asyncio.sleep(AWAY_S)
    assert (cpu_s(worker) - before) / AWAY_S < MOST_CPU
    assert len(read_lines(log)) - len(lines) < MOST_LINES

    await asyncio.to_thread(own.redis.start)
    for one in added_meanwhile:
        await until(lambda one=one: is_done(elsewhere, one))
    assert not [line for line in read_lines(log) if "Traceback" in line]


def read_lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
