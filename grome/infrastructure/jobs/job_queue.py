"""The one place that jobs are added and handed to SAQ from."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from loguru import logger
from redis.exceptions import RedisError
from saq import Job as Message

from grome.common.clock import Clock
from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.jobs.models import Job, JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.transient_errors import is_transient

# SAQ has brought a job to a worker by then, or it is handed over again; each further time after twice as long.
_HANDED_S: Final = 4.0
_LONGEST_S: Final = 300.0
_AT_ONCE: Final = 500
_LOOK_EVERY_S: Final = 1.0
_CROWD: Final = 50
_HAND_OVER: Final = "hand over jobs"  # under which failed items are counted
# How long SAQ's dashboard shows a message that is done with.
_SHOWN_S: Final = 600
# What is left in Redis of a message whose worker has died is swept away after so long. No kind of job takes longer.
_FORGOTTEN_AFTER_S: Final = 3_600


class JobQueue:
    """At least once: a job runs again if its worker dies before the end is stored."""

    def __init__(self, jobs: JobRepository, queues: Queues, clock: Clock) -> None:
        self._jobs, self._queues, self._clock = jobs, queues, clock

    async def add(self, *jobs: NewJob) -> None:
        """Store them and hand those over that are due; an id that is there is left as it is.

        Once they are stored they will be done. With Redis away they wait until it is back.
        """
        if not jobs:
            return
        now = self._clock()
        stored = [
            Job(
                id=new.id,
                kind=new.kind.name,
                queue=new.kind.queue,
                payload=new.payload,
                state=State.PENDING,
                handed=0 if new.due_at and new.due_at > now else 1,
                next_at=new.due_at if new.due_at and new.due_at > now else now + timedelta(seconds=_HANDED_S),
                created_at=now,
            )
            for new in jobs
        ]
        await self._jobs.add(stored)
        due = [one for one, new in zip(stored, jobs, strict=True) if not (new.due_at and new.due_at > now)]
        await self._enqueue_batch(due)

    async def find(self, job_id: str) -> Job | None:
        return await self._jobs.find(job_id)

    async def enqueue_due(self) -> int:
        """Hand over what waited for its time, what SAQ has lost, and what a worker that is gone had begun."""
        now = self._clock()
        due = await self._jobs.due(now, _AT_ONCE)
        if due:
            until = {job.id: now + timedelta(seconds=min(_HANDED_S * 2**job.handed, _LONGEST_S)) for job in due}
            await self._jobs.postpone(until, due)
            crowded = await self._full_queues()
            await self._enqueue_batch(
                [job for job in due if not (job.queue in crowded and job.handed and not job.claim)]
            )
        return len(due)

    async def _full_queues(self) -> set[Queue]:
        """Queues that are behind: what they were handed waits there, and handing it over anew would only add to it."""
        try:
            return {name for name, queue in self._queues.items() if await queue.count("queued") > _CROWD}
        except RedisError:
            return set()

    async def run_enqueuer(self) -> None:
        """Runs as long as a worker does; any number of workers may."""
        while True:
            raise_if_cancelled()
            try:
                while await self.enqueue_due() == _AT_ONCE:
                    pass
            # Whatever it is: jobs that were handed over, crons and the relay share this process.
            except Exception as error:  # noqa: BLE001
                if is_transient(error):
                    logger.warning("MongoDB is away ({!r}); no job is handed over", error)
                else:
                    report_failure(_HAND_OVER, "a round", error)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def retry(self, job_id: str) -> Job | None:
        """Give a dead or dropped job all its tries anew; None where there is none such."""
        soon = self._clock() + timedelta(seconds=_HANDED_S)
        fields = {"state": State.PENDING.value, "tries": 0, "handed": 0, "claim": None, "ended_at": None}
        job = await self._jobs.update_state(job_id, (State.DEAD, State.DROPPED), {**fields, "next_at": soon})
        if job:
            await self._enqueue_batch([job])
        return job

    async def drop(self, job_id: str) -> Job | None:
        """Decide that a dead job, or one that waits or runs, need not be done; None where there is none such.

        What runs is not stopped, but no further try follows.
        """
        fields = {"state": State.DROPPED.value, "claim": None, "ended_at": self._clock()}
        return await self._jobs.update_state(job_id, (State.DEAD, State.PENDING), fields)

    async def _enqueue_batch(self, jobs: Sequence[Job]) -> None:
        enqueued = await asyncio.gather(*map(self._enqueue, jobs), return_exceptions=True)
        away = [error for error in enqueued if isinstance(error, RedisError)]
        if away:
            logger.warning(
                "Redis is of no use ({!r}); {} jobs wait until they are handed over anew", away[0], len(away)
            )
        for job, error in zip(jobs, enqueued, strict=True):
            if isinstance(error, Exception) and not isinstance(error, RedisError):
                report_failure(_HAND_OVER, job, error)

    async def _enqueue(self, job: Job) -> None:
        await self._queues[job.queue].enqueue(_message(job))


def _message(job: Job) -> Message:
    """What SAQ carries; under the same key it takes no second one before the first is done with.

    A worker that died between taking a message and claiming its job would leave the key taken, so every other time that
    a job is handed over it has another key.
    """
    return Message(
        function=job.kind,
        kwargs={"job_id": job.id, "tries": job.tries},
        key=f"{job.id}.{job.tries}-{job.handed // 2}",
        timeout=_FORGOTTEN_AFTER_S,
        ttl=_SHOWN_S,
    )


def delay_s(kind: JobKind, tries: int, chance: float) -> float | None:
    """Before the try after `tries`, a quarter less to a quarter more by `chance` (0 to 1); None where it was the last.

    The spread keeps those that failed together from coming again together.
    """
    if tries > len(kind.delays_s):
        return None
    return kind.delays_s[tries - 1] * (0.75 + chance / 2)
