"""What is to be done outside requests, and how often it is tried."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class State(StrEnum):
    """`dead`: no further try will be made by itself. `dropped`: somebody has decided that none is needed."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"


class Queue(StrEnum):
    """Each has slots of its own in every job worker, so none waits behind another.

    What goes to servers of strangers has one, since those can be as slow as they please.
    """

    URGENT = "urgent"
    DEFAULT = "default"
    BULK = "bulk"
    WEBHOOKS = "webhooks"


class JobKind(Struct, frozen=True):
    """One kind of job.

    A try that takes longer than `timeout_s` is cut off. Before each further try there is one of `delays_s`, give or
    take a quarter; when they are used up, the job is dead.
    """

    name: str
    queue: Queue
    timeout_s: float
    delays_s: tuple[float, ...]


class NewJob(Struct, frozen=True):
    """`id` says what is done and why, e.g. `<event>:mail:<user>`; adding it again is no second job.

    `payload` is plain JSON: ids, by which the job looks again at what is so when it runs.
    """

    id: str
    kind: JobKind
    payload: dict[str, Any]
    due_at: datetime | None = None


class Job(Struct, frozen=True, kw_only=True):
    """A job as it is stored.

    While it is pending, somebody looks at it at `next_at`: to hand it to SAQ, because SAQ has not brought it to a
    worker by then, or because its worker has said nothing for too long. `tries` counts those begun, `handed` how often
    SAQ was given the next one. Whoever works on it has put a `claim` of its own there.
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
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
