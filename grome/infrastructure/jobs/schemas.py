"""Jobs on the wire, as operators see them."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from grome.infrastructure.http import PageQuery
from grome.infrastructure.jobs.models import Job, Queue, State

KindName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


class JobQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: State = State.DEAD
    kind: KindName | None = None


class JobOut(Struct, frozen=True):
    """A job. `tries` counts tries begun. A pending job is enqueued at `next_at`. `progress` goes from 0 to 1."""

    id: str
    kind: str
    queue: Queue
    state: State
    payload: dict[str, Any]
    tries: int
    error: str | None
    progress: float | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_at: datetime | None


class JobPage(Struct, frozen=True):
    items: list[JobOut]
    next_cursor: str | None


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
