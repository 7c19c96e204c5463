"""Jobs in any state, without a worker."""

from datetime import datetime, timedelta
from typing import Any

from grome.common.clock import system_clock
from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Job, JobKind, Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.repository import JobRepository


def new_kind() -> JobKind:
    """One that no other test lists."""
    return JobKind(f"kind-{new_hex_id()}", Queue.BULK, timeout_s=1, delays_s=())


async def stored_job(container: Container, kind: JobKind, state: State = State.DEAD, **changed: Any) -> Job:
    """As a worker leaves it, unless fields are changed. No queue knows it, nor will for an hour."""
    ended: datetime | None = None if state is State.PENDING else system_clock()
    job = Job(
        **{
            "id": f"{new_hex_id()}:{kind.name}:1",
            "kind": kind.name,
            "queue": kind.queue,
            "payload": {"booking_id": "7"},
            "state": state,
            "next_at": system_clock() + timedelta(hours=1),
            "tries": 3,
            "error": None if state is State.DONE else "ValueError: [b]nobody[/b] & <i>nothing</i>",
            "created_at": system_clock(),
            "ended_at": ended,
            **changed,
        }
    )
    await JobRepository(container.database).add([job])
    return job


async def discard_job(container: Container, job_id: str) -> None:
    """A pending job and the message that its retry was handed over by: other tests run workers on these queues."""
    dropped = await container.get(JobQueue).drop(job_id)
    assert dropped is not None
    if message := await container.get(Queues)[dropped.queue].job(f"{job_id}.0-0"):
        await message.abort("the test is over")
