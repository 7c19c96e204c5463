"""Jobs, which run outside requests, their kinds and their queues."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field


class State(StrEnum):
    """`dead`: all tries failed, and only an operator can retry. `dropped`: an operator cancelled the job."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"


class Queue(StrEnum):
    """Queues with slots of their own in every job worker, so that no queue waits behind another.

    Webhooks have a queue of their own, since the receivers' servers can be arbitrarily slow.
    """

    URGENT = "urgent"
    DEFAULT = "default"
    BULK = "bulk"
    WEBHOOKS = "webhooks"


class JobKind(Struct, frozen=True):
    """One kind of job, with its queue and its retry policy.

    A try that takes longer than `timeout_s` is cancelled. Each retry waits for the next of `delays_s`, varied by a
    quarter; after the last retry the job is dead.
    """

    name: str
    queue: Queue
    timeout_s: float
    delays_s: tuple[float, ...]


class NewJob(Struct, frozen=True):
    """A job to add.

    `id` names the cause and the effect, e.g. `<event>:mail:<user>`, and deduplicates jobs. `payload` is plain JSON with
    ids, by which the job reads the current documents when it runs.
    """

    id: str
    kind: JobKind
    payload: dict[str, Any]
    due_at: datetime | None = None


class JobCause(Struct, frozen=True):
    """The event and the request from which a job follows, as far as known, and the span that added it."""

    event_id: UUID | None = None
    request_id: Annotated[str, Meta(max_length=64)] | None = None
    traceparent: Annotated[str, Meta(max_length=55)] | None = None


class Job(Struct, frozen=True, kw_only=True):
    """A job as it is stored.

    A pending job is enqueued at `next_at`: because it is due, because no worker has claimed it by then, or because the
    lease of its worker has expired. `tries` counts tries begun, `handed` how often the next try was enqueued. `claim`
    identifies the running try.
    """

    id: str = field(name="_id")
    kind: str
    queue: Queue
    payload: dict[str, Any]
    state: State
    next_at: datetime
    tries: int = 0
    handed: int = 0
    claim: str | None = None
    progress: float | None = None
    error: str | None = None
    cause: JobCause | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
