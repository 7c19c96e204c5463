"""Runs jobs in a worker: claims a job, renews its lease while it runs, and stores the outcome."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

from loguru import logger

from grome.common.ids import new_hex_id
from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.container import Container
from grome.infrastructure.figures import count
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.jobs.causes import caused_by_job
from grome.infrastructure.jobs.errors import PermanentJobError, PostponedError, RetryLaterError, UndeliverableError
from grome.infrastructure.jobs.job_queue import delay_s
from grome.infrastructure.jobs.models import Job, JobKind, State
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.mongo.client import DriverError, is_transient_fault
from grome.infrastructure.tracing.spans import child_span
from grome.infrastructure.transient_errors import RecipientError, is_transient

# After this time without renewal the worker counts as dead, and its jobs run again elsewhere ...
_LEASE_S: Final = 8.0
# ... so leases are renewed far more often.
_RENEW_S: Final = 2.0
_POSTPONE_S: Final = 1.0
_MAX_ERROR_CHARS: Final = 1_000


class RunningJob:
    """The running try of a job, passed to its handler. `tries` is 1 for the first try."""

    def __init__(self, job: Job, jobs: JobRepository) -> None:
        self._job, self._jobs = job, jobs
        self.id, self.payload, self.tries, self.created_at = job.id, job.payload, job.tries, job.created_at

    async def report_progress(self, progress: float) -> None:
        """Store the progress from 0 to 1, for clients to read."""
        await self._jobs.update_claimed(self._job, {"progress": progress})


Handler = Callable[[Container, RunningJob], Awaitable[None]]


class JobRunner:
    """Runs jobs by the handler of their kind.

    A job can run twice at a time after a lost lease; only the holder of the current claim stores the outcome.
    """

    def __init__(self, container: Container, handlers: Mapping[JobKind, Handler]) -> None:
        self._container, self._clock, self._jobs = container, container.clock, JobRepository(container.database)
        self._handlers = {kind.name: (kind, handler) for kind, handler in handlers.items()}
        self._held: dict[str, str] = {}  # job ids by claim: a job can run twice here, too

    async def renew_leases(self) -> None:
        """Renew the leases of running jobs until cancelled."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_RENEW_S)
            if self._held:
                try:
                    await self._jobs.renew_leases(dict(self._held), self._in(_LEASE_S))
                # Any error is caught: crons and the relay share this process.
                except Exception as error:  # noqa: BLE001
                    if is_transient(error):
                        logger.warning("MongoDB is away ({!r}); jobs that run may run again elsewhere", error)
                    else:
                        report_failure("keep jobs", "a round", error)

    async def run(self, job_id: str, tries: int) -> str:
        """Run one try and return its outcome as a short text for SAQ's dashboard."""
        claim = new_hex_id()
        job = await self._jobs.claim(job_id, tries, claim, self._clock(), self._in(_LEASE_S))
        if job is None:
            return "somebody else's, or done"
        self._held[claim] = job_id
        began = time.perf_counter()
        try:
            with logger.contextualize(**_line_fields(job)), caused_by_job(job.cause), _job_span(job):
                return await self._try(job)
        except DriverError as error:
            if not is_transient_fault(error):
                raise
            logger.warning("How job {} ended cannot be stored ({!r}); it runs again", job_id, error)
            return "runs again, since MongoDB was away at its end"
        except (
            asyncio.CancelledError
        ):  # the worker shuts down: release the job at once instead of at the end of its lease
            await self._jobs.update_claimed(job, {"claim": None, "tries": job.tries - 1, "next_at": self._clock()})
            raise
        finally:
            del self._held[claim]
            count("job_ms", job.kind, by=round((time.perf_counter() - began) * 1_000))

    async def _try(self, job: Job) -> str:
        kind, handler = self._handlers[job.kind]
        if job.tries > len(kind.delays_s) + 1:
            return await self._dead_letter(job, "its worker died, and that was its last try")
        try:
            async with asyncio.timeout(kind.timeout_s):
                await handler(self._container, RunningJob(job, self._jobs))
        except (PermanentJobError, UndeliverableError) as error:
            return await self._give_up(job, error)
        except RetryLaterError as error:
            return await self._retry_later(job, kind, error, error.seconds)
        # Any error is caught and stored as the outcome of the try.
        except Exception as error:  # noqa: BLE001
            if is_transient(error) or isinstance(error, PostponedError):
                return await self._postpone(job, error)
            wait_s = delay_s(kind, job.tries, random.random())  # noqa: S311 -- a spread, no secret
            return await self._retry_later(job, kind, error, wait_s)
        await self._jobs.update_claimed(job, {"state": State.DONE.value, "ended_at": self._clock(), "error": None})
        count("job_tries", job.kind, "done")
        return "done"

    async def _postpone(self, job: Job, error: Exception) -> str:
        """Run the job later without counting a try: it has to wait, or MongoDB or Redis is unavailable."""
        if isinstance(error, PostponedError):
            wait_s, told = error.seconds, f"put off: {error}"
        else:
            logger.warning("Job {} is put off, since a server is away ({!r})", job.id, error)
            wait_s = _POSTPONE_S * (1 + random.random())  # noqa: S311 -- a spread, no secret
            told = "put off, since a server is away"
        await self._jobs.update_claimed(job, {"claim": None, "tries": job.tries - 1, "next_at": self._in(wait_s)})
        count("job_tries", job.kind, "postponed")
        return told

    async def _retry_later(self, job: Job, kind: JobKind, error: Exception, wait_s: float | None) -> str:
        if wait_s is None or job.tries > len(kind.delays_s):
            return await self._give_up(job, error)
        told = _error_text(error)
        logger.opt(exception=error).info("Job {} failed and is tried again in {:.0f} s", job.id, wait_s)
        await self._jobs.update_claimed(job, {"claim": None, "next_at": self._in(wait_s), "error": told})
        count("job_tries", job.kind, "retried")
        return f"tried again in {wait_s:.0f} s: {told}"

    async def _give_up(self, job: Job, error: Exception) -> str:
        """End the job as dead, or as done if the recipient caused the error, since no operator can help."""
        told = _error_text(error)
        if not _is_recipient_fault(error):
            return await self._dead_letter(job, told, error)
        logger.info("Job {} is done, since its recipient could not be reached: {}", job.id, told)
        await self._jobs.update_claimed(job, {"state": State.DONE.value, "ended_at": self._clock(), "error": told})
        count("job_tries", job.kind, "unreachable")
        return f"done: {told}"

    async def _dead_letter(self, job: Job, told: str, error: Exception | None = None) -> str:
        logger.opt(exception=error).error("Job {} is dead: {}", job.id, told)
        fields: dict[str, Any] = {"state": State.DEAD.value, "ended_at": self._clock(), "error": told}
        await self._jobs.update_claimed(job, {**fields, "claim": None})
        count("job_tries", job.kind, "dead")
        return f"dead: {told}"

    def _in(self, seconds: float) -> datetime:
        return self._clock() + timedelta(seconds=seconds)


def _line_fields(job: Job) -> dict[str, str]:
    """Return the fields of log lines during a job."""
    fields = {"job_id": job.id, "job_kind": job.kind}
    if job.cause and job.cause.event_id:
        fields["event_id"] = str(job.cause.event_id)
    if job.cause and job.cause.request_id:
        fields["request_id"] = job.cause.request_id
    return fields


def _job_span(job: Job) -> AbstractContextManager[None]:
    attributes: dict[str, str | int] = {"grome.job_kind": job.kind, "grome.job_tries": job.tries}
    parent = job.cause.traceparent if job.cause else None
    return child_span(f"job {job.kind}", kind="consumer", parent=parent, attributes=attributes)


def _is_recipient_fault(error: Exception) -> bool:
    if isinstance(error, RetryLaterError):
        return error.by_recipient
    return isinstance(error, RecipientError | UndeliverableError)


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS]
