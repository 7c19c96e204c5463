"""The relay as a process of its own, beside job workers that leave it alone."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from config.settings import Settings
from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.repository import RelayRepository
from tests.support.app import ChangedContainer
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.jobs import run_worker, wait_for_state
from tests.support.processes import environment


async def test_relay_of_its_own_leads_where_job_workers_do_not(container: Container, tmp_path: Path) -> None:
    kind = JobKind("plain", Queue.DEFAULT, timeout_s=10, delays_s=())
    jobs = msgspec.structs.replace(container.settings.jobs, relay=False)
    without_relay = ChangedContainer(container, msgspec.structs.replace(container.settings, jobs=jobs))

    async def work(_container: Container, _job: RunningJob) -> None:
        pass

    before = await fence(container)
    new = NewJob(new_hex_id(), kind, {})
    async with run_worker(without_relay, {kind: work}):
        await container.get(JobQueue).add(new)
        await wait_for_state(container, new, State.DONE)
    assert await fence(container) == before

    relay = relay_process(container.settings, tmp_path)

    async def leads() -> bool:
        assert relay.poll() is None
        return await fence(container) > before

    try:
        await until(leads, within_s=START_PATIENCE_S)
    finally:
        relay.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(relay.wait, START_PATIENCE_S)
    assert code == 0


async def fence(container: Container) -> int:
    """Return a number that grows with each leader."""
    state = await RelayRepository(container.database).state()
    return state.fence if state else 0


def relay_process(settings: Settings, home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "grome", "relay"], env=environment(settings, home))
