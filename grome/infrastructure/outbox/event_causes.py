"""Make events the causes of the jobs that follow from them, and their dispatch a span of their traces."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from grome.infrastructure.jobs.causes import caused_by_events
from grome.infrastructure.jobs.models import JobCause
from grome.infrastructure.outbox.models import Event
from grome.infrastructure.tracing.spans import OpenSpan, begin_span


@contextmanager
def dispatching(events: Sequence[Event]) -> Iterator[None]:
    """Record the dispatch of events, each in its own trace."""
    causes, spans = {}, []
    for event in events:
        span = _begin(event)
        if span:
            spans.append(span)
        origin = event.origin
        parent = (span.traceparent if span else None) or (origin.traceparent if origin else None)
        causes[str(event.id)] = JobCause(event.id, origin.request_id if origin else None, parent)
    try:
        with caused_by_events(causes):
            yield
    finally:
        for span in spans:
            span.end()


def _begin(event: Event) -> OpenSpan | None:
    if event.origin is None or event.origin.traceparent is None:
        return None
    attributes = {"grome.event_type": event.type.value, "grome.event_id": str(event.id)}
    return begin_span(f"dispatch {event.type.value}", event.origin.traceparent, kind="producer", attributes=attributes)
