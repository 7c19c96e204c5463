"""Job administration for operators, used by the API, the command line and the dashboard."""

from collections.abc import AsyncIterator
from typing import Final

from loguru import logger
from msgspec import Struct

from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.jobs.errors import WrongJobState
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Job, State
from grome.infrastructure.jobs.repository import AfterJob, JobRepository
from grome.infrastructure.jobs.schemas import JobOut, JobPage, JobQuery, job_out

MAX_COUNTED: Final = 10_000
_BATCH_SIZE: Final = 20


class JobFigures(Struct, frozen=True):
    """Numbers of jobs by state, counted up to `MAX_COUNTED`, and the seconds by which the oldest job is overdue."""

    by_state: dict[State, int]
    overdue_s: float


class JobAdmin:
    """List, retry and drop jobs.

    `by` names the operator in the log: an actor's id, or the interface that was used.
    """

    def __init__(self, jobs: JobQueue, stored: JobRepository, clock: Clock) -> None:
        self._jobs, self._stored, self._clock = jobs, stored, clock

    async def page(self, query: JobQuery) -> JobPage:
        after = decode_cursor(query.cursor, AfterJob)
        if after:  # a cursor comes from the client
            after = AfterJob(to_utc(after.created_at, "cursor"), after.id)
        found = await self._stored.page(query.state, query.kind, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterJob(row.created_at, row.id))
        return JobPage([job_out(job) for job in page], next_cursor)

    async def read(self, job_id: str) -> JobOut:
        """Raises NotFound."""
        return job_out(await self._find(job_id))

    async def dead(self, kind: str | None) -> AsyncIterator[list[str]]:
        """Yield ids of dead jobs in batches, newest first. Jobs that die meanwhile may be missing."""
        after = None
        while found := await self._stored.page(State.DEAD, kind, after, _BATCH_SIZE):
            after = AfterJob(found[-1].created_at, found[-1].id)
            yield [job.id for job in found]

    async def retry(self, by: str, job_id: str) -> JobOut:
        """Reset the tries of a dead or dropped job. Raises NotFound and WrongJobState."""
        return await self._decide(by, job_id, "retried", await self._jobs.retry(job_id))

    async def drop(self, by: str, job_id: str) -> JobOut:
        """Drop a dead or pending job, which is then never run. Raises NotFound and WrongJobState."""
        return await self._decide(by, job_id, "dropped", await self._jobs.drop(job_id))

    async def figures(self) -> JobFigures:
        by_state = {state: await self._stored.count(state, MAX_COUNTED) for state in State}
        now = self._clock()
        overdue = await self._stored.due(now, 1)
        return JobFigures(by_state, (now - overdue[0].next_at).total_seconds() if overdue else 0.0)

    async def _decide(self, by: str, job_id: str, done: str, changed: Job | None) -> JobOut:
        if changed is None:
            job = await self._find(job_id)
            raise WrongJobState(f"A job that is {job.state.value} cannot be {done}.")
        logger.bind(actor=by).info("Job {} of kind {} was {}", job_id, changed.kind, done)
        return job_out(changed)

    async def _find(self, job_id: str) -> Job:
        job = await self._jobs.find(job_id)
        if job is None:
            raise NotFound("There is no such job; finished jobs are kept for some days only.")
        return job
