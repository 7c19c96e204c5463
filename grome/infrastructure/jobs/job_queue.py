"""Adds jobs to MongoDB and enqueues them in SAQ; no other module enqueues jobs."""

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
from grome.infrastructure.jobs.causes import cause_of
from grome.infrastructure.jobs.models import Job, JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.transient_errors import is_transient

# A job that no worker has claimed by then is enqueued again: the worker that took its message may have died. While its
# queue is full, most jobs wait there for their turn, and the delay is about the time until the queue is empty. While
# Redis is away, the delay doubles each time.
_REDELIVERY_SECONDS: Final = 4.0
_MAX_REDELIVERY_SECONDS: Final = 300.0
_MAX_DOUBLINGS: Final = 10
_BATCH_SIZE: Final = 500
_POLL_SECONDS: Final = 1.0
_MAX_BACKLOG: Final = 50
_JOBS_PER_SECOND: Final = 20
_ENQUEUEING: Final = "hand over jobs"  # the name under which failed items are counted
# How long SAQ's dashboard shows a finished message.
_MESSAGE_TTL_SECONDS: Final = 600
# The message of a dead worker is removed from Redis after this time. No kind of job takes longer.
_MESSAGE_TIMEOUT_SECONDS: Final = 3_600


class JobQueue:
    """Runs each job at least once: a job runs again if its worker dies before the outcome is stored."""

    def __init__(self, jobs: JobRepository, queues: Queues, clock: Clock) -> None:
        self._jobs, self._queues, self._clock = jobs, queues, clock

    async def add(self, *jobs: NewJob) -> None:
        """Store jobs and enqueue the due ones; a job with a known id is ignored.

        A stored job is run eventually. While Redis is unavailable, jobs wait in MongoDB.
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
                next_at=new.due_at if new.due_at and new.due_at > now else now + timedelta(seconds=_REDELIVERY_SECONDS),
                created_at=now,
                cause=cause_of(new.id),
            )
            for new in jobs
        ]
        await self._jobs.add(stored)
        due = [one for one, new in zip(stored, jobs, strict=True) if not (new.due_at and new.due_at > now)]
        await self._enqueue_batch(due)

    async def find(self, job_id: str) -> Job | None:
        return await self._jobs.find(job_id)

    async def enqueue_due(self) -> int:
        """Enqueue jobs that are due, were lost by SAQ, or were left by a dead worker. Return their number."""
        now = self._clock()
        due = await self._jobs.due(now, _BATCH_SIZE)
        if due:
            lengths = await self._lengths()
            until = {job.id: now + timedelta(seconds=_redelivery_s(job, lengths.get(job.queue))) for job in due}
            await self._jobs.postpone(until, due)
            crowded = {name for name in self._queues if lengths.get(name, _MAX_BACKLOG + 1) > _MAX_BACKLOG}
            await self._enqueue_batch(
                # Enqueueing the others again would add duplicates.
                [job for job in due if not (job.queue in crowded and job.handed and not job.claim)]
            )
        return len(due)

    async def _lengths(self) -> dict[Queue, int]:
        """Return the number of messages in each queue; nothing without Redis."""
        try:
            return {name: await queue.count("queued") for name, queue in self._queues.items()}
        except RedisError:
            return {}

    async def run_enqueuer(self) -> None:
        """Enqueue due jobs until cancelled; any number of workers may do it at a time."""
        while True:
            raise_if_cancelled()
            try:
                while await self.enqueue_due() == _BATCH_SIZE:
                    pass
            # Any error is caught: enqueued jobs, crons and the relay share this process.
            except Exception as error:  # noqa: BLE001
                if is_transient(error):
                    logger.warning("MongoDB is away ({!r}); no job is enqueued", error)
                else:
                    report_failure(_ENQUEUEING, "a round", error)
            await asyncio.sleep(_POLL_SECONDS)

    async def retry(self, job_id: str) -> Job | None:
        """Reset the tries of a dead or dropped job. Returns None if there is no such job in these states."""
        soon = self._clock() + timedelta(seconds=_REDELIVERY_SECONDS)
        fields = {"state": State.PENDING.value, "tries": 0, "handed": 0, "claim": None, "ended_at": None}
        job = await self._jobs.update_state(job_id, (State.DEAD, State.DROPPED), {**fields, "next_at": soon})
        if job:
            await self._enqueue_batch([job])
        return job

    async def drop(self, job_id: str) -> Job | None:
        """Drop a dead or pending job. Returns None if there is no job in these states.

        A running try is not stopped, but no further try follows.
        """
        fields = {"state": State.DROPPED.value, "claim": None, "ended_at": self._clock()}
        return await self._jobs.update_state(job_id, (State.DEAD, State.PENDING), fields)

    async def _enqueue_batch(self, jobs: Sequence[Job]) -> None:
        enqueued = await asyncio.gather(*map(self._enqueue, jobs), return_exceptions=True)
        away = [error for error in enqueued if isinstance(error, RedisError)]
        if away:
            logger.warning(
                "Redis is unavailable ({!r}); {} jobs wait until they are enqueued again", away[0], len(away)
            )
        for job, error in zip(jobs, enqueued, strict=True):
            if isinstance(error, Exception) and not isinstance(error, RedisError):
                report_failure(_ENQUEUEING, job, error)

    async def _enqueue(self, job: Job) -> None:
        queue, message = self._queues[job.queue], _message(job)
        if job.claim:  # its turn was long ago, and the worker that had it died
            await queue.enqueue_first(message)
        else:
            await queue.enqueue(message)


def _redelivery_s(job: Job, queue_length: int | None) -> float:
    """Return the delay until the job is looked at again. The length is None while Redis is away."""
    if queue_length is None:
        seconds = _REDELIVERY_SECONDS * (1 << min(job.handed, _MAX_DOUBLINGS))
    elif queue_length > _MAX_BACKLOG:
        seconds = max(_REDELIVERY_SECONDS, queue_length / _JOBS_PER_SECOND)
    else:
        seconds = _REDELIVERY_SECONDS
    return min(seconds, _MAX_REDELIVERY_SECONDS)


def _message(job: Job) -> Message:
    """Build the SAQ message of a job. SAQ accepts no second message of a key until the first has ended.

    A worker that dies between taking a message and claiming its job leaves the key in use, so the key changes every
    second time that a job is enqueued.
    """
    return Message(
        function=job.kind,
        kwargs={"job_id": job.id, "tries": job.tries},
        key=f"{job.id}.{job.tries}-{job.handed // 2}",
        timeout=_MESSAGE_TIMEOUT_SECONDS,
        ttl=_MESSAGE_TTL_SECONDS,
    )


def delay_s(kind: JobKind, tries: int, chance: float) -> float | None:
    """Return the seconds before the next try, or None after the last.

    `chance` (0 to 1) varies the delay by up to a quarter, so that jobs that failed together are not retried together.
    """
    if tries > len(kind.delays_s):
        return None
    return kind.delays_s[tries - 1] * (0.75 + chance / 2)
