"""Jobs on the wire, as operators see them."""

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from grome.common.text import NOT_ONE_LINE
from grome.infrastructure.http import NextCursor, PageQuery
from grome.infrastructure.jobs.models import Job, Queue, State

_JOB_ID: Final = "019b76da-a1b2-7c3d-8e4f-5a6b7c8d9e0f:mail:019b76da-b1b2-7c3d-8e4f-5a6b7c8d9e0f"
KindName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)", extra=NOT_ONE_LINE, examples=["mail"])
]


class JobQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: State = State.DEAD
    """Only jobs in this state; `dead` jobs wait for an operator."""
    kind: KindName | None = None
    """Only jobs of this kind, by its exact name."""


class JobOut(Struct, frozen=True):
    """A job, as operators see it."""

    id: Annotated[str, Meta(examples=[_JOB_ID])]
    """Id of the job, also its deduplication key; the path parameter `job_id`."""
    kind: Annotated[str, Meta(examples=["notify"])]
    """Name of the handler that runs the job."""
    queue: Queue
    """Queue of the workers in which the job waits."""
    state: State
    """`dead`: all tries have failed. `dropped`: an operator has cancelled it."""
    payload: dict[str, Any]
    """Arguments of the job, mostly ids, by which it reads the current data."""
    tries: int
    """Number of tries that have begun, including the one that runs now."""
    error: Annotated[str, Meta(examples=["TimeoutError: the mail server did not answer"])] | None
    """Failure of the last try; null if none has failed."""
    progress: float | None
    """Share of the work that is done, from 0 to 1; null if the job does not report it."""
    created_at: datetime
    """Time at which the job was added."""
    started_at: datetime | None
    """Start of the latest try; null before the first."""
    ended_at: datetime | None
    """Time at which the job was done, dead or dropped; null while it is pending."""
    next_at: datetime | None
    """Time at which a pending job is enqueued; null in any other state."""


class JobPage(Struct, frozen=True):
    """Holds a page of jobs, newest first."""

    items: list[JobOut]
    """Jobs in the requested state, newest first."""
    next_cursor: NextCursor


def job_out(job: Job) -> JobOut:
    return JobOut(
        id=job.id,
        kind=job.kind,
        queue=job.queue,
        state=job.state,
        payload=job.payload,
        tries=job.tries,
        error=job.error,
        progress=job.progress,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        next_at=job.next_at if job.state is State.PENDING else None,
    )
