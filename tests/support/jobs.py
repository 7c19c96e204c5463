"""Run job workers in the event loop of the test, and read the outcome of jobs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.runner import Handler
from tests.support.eventually import PATIENCE_S, until
from workers.runner import work


@asynccontextmanager
async def run_worker(container: Container, handlers: Mapping[JobKind, Handler]) -> AsyncIterator[None]:
    task = asyncio.create_task(work(container, handlers))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def wait_for_state(container: Container, new: NewJob, state: State, *, within_s: float = PATIENCE_S) -> None:
    async def ended() -> bool:
        found = await container.get(JobQueue).find(new.id)
        return found is not None and found.state is state

    await until(ended, within_s=within_s)


async def queues_are_empty(container: Container) -> bool:
    """No queue has a message that waits or is under way."""
    return not any([await queue.count("incomplete") for queue in container.get(Queues).values()])
