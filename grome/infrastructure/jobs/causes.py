"""The cause of jobs: the request and the event from which they follow, for log lines and traces."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

from grome.common.origin import origin_of_request
from grome.infrastructure.jobs.models import JobCause
from grome.infrastructure.tracing.spans import traceparent

_NONE: Final[Mapping[str, JobCause]] = MappingProxyType({})
_events: ContextVar[Mapping[str, JobCause]] = ContextVar("events", default=_NONE)
_running: ContextVar[JobCause | None] = ContextVar("running", default=None)


def cause_of(job_id: str) -> JobCause | None:
    """Return the cause of a new job: the event with which its id begins, the running job, or the request."""
    if event := _events.get().get(job_id.partition(":")[0]):
        return event
    if running := _running.get():
        return JobCause(running.event_id, running.request_id, traceparent() or running.traceparent)
    origin = origin_of_request.get()
    return JobCause(None, origin.request_id, traceparent()) if origin else None


@contextmanager
def caused_by_events(causes: Mapping[str, JobCause]) -> Iterator[None]:
    """Set the causes of jobs that are added meanwhile, by the ids of events."""
    before = _events.set(causes)
    try:
        yield
    finally:
        _events.reset(before)


@contextmanager
def caused_by_job(cause: JobCause | None) -> Iterator[None]:
    """Set the cause of jobs that a running job adds."""
    before = _running.set(cause)
    try:
        yield
    finally:
        _running.reset(before)
