"""Spans of this process. Without GROME_TRACES_ENDPOINT each function here returns at its first line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

from loguru import logger

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Kind = Literal["internal", "server", "client", "producer", "consumer"]


class OpenSpan(Protocol):
    """A span that has begun. `trace_id` and `traceparent` are None if it is not sampled."""

    @property
    def trace_id(self) -> str | None: ...

    @property
    def traceparent(self) -> str | None: ...

    def set(self, name: str, value: str | int) -> None: ...

    def fail(self, error_type: str) -> None: ...

    def end(self) -> None: ...


class Tracing(Protocol):
    """Begins spans; `open_telemetry.py` implements it. With `trusts_clients`, a client decides about its requests."""

    trusts_clients: bool

    def begin(
        self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, str | int], age_s: float
    ) -> OpenSpan: ...

    def current(self) -> OpenSpan | None: ...

    def make_current(self, span: OpenSpan) -> "AbstractContextManager[Any]": ...


_tracing: Tracing | None = None


def trace_with(tracing: Tracing | None) -> None:
    """Record spans from now on; None ends it."""
    global _tracing  # noqa: PLW0603 -- one for the process, as the logger is
    _tracing = tracing


def is_tracing() -> bool:
    return _tracing is not None


def is_traced_by_client(header: str) -> bool:
    """Return whether this `traceparent` of a client has its request traced."""
    return _tracing is not None and _tracing.trusts_clients and header.endswith("1")


def traceparent() -> str | None:
    """Return the current span in the form of the header `traceparent`, or None if nothing is sampled."""
    if _tracing is None:
        return None
    current = _tracing.current()
    return current.traceparent if current else None


def begin_span(
    name: str, parent: str, *, kind: Kind = "internal", attributes: Mapping[str, str | int]
) -> OpenSpan | None:
    """Begin a span that is not current, for work on several traces at a time. Returns None where nothing is traced."""
    return _tracing.begin(name, kind, parent, attributes, 0.0) if _tracing is not None else None


@contextmanager
def root_span(name: str, parent: str | None, attributes: Mapping[str, str | int]) -> Iterator[OpenSpan]:
    """Record a request. Without a parent the sampler decides whether a trace begins."""
    assert _tracing is not None  # noqa: S101 -- handlers are wrapped where something traces
    with _recorded(_tracing, _tracing.begin(name, "server", parent, attributes, 0.0)) as span:
        yield span


@contextmanager
def child_span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Mapping[str, str | int] | None = None
) -> Iterator[None]:
    """Record a part of the current trace, or of that of `parent`. Nothing is recorded outside of traces."""
    if _tracing is None or not (parent or traceparent()):
        yield
        return
    with _recorded(_tracing, _tracing.begin(name, kind, parent, attributes or {}, 0.0)):
        yield


def past_span(name: str, seconds: float, attributes: Mapping[str, str | int], error_type: str = "") -> None:
    """Record a call to a server that took `seconds` and has just ended, in the current trace."""
    if _tracing is None or not traceparent():
        return
    span = _tracing.begin(name, "client", None, attributes, seconds)
    if error_type:
        span.fail(error_type)
    span.end()


@contextmanager
def _recorded(tracing: Tracing, span: OpenSpan) -> Iterator[OpenSpan]:
    """Make the span current, and name its trace in log lines. Of an error only the type is recorded."""
    trace = {"trace_id": span.trace_id} if span.trace_id else {}
    try:
        with tracing.make_current(span), logger.contextualize(**trace):
            yield span
    except BaseException as error:
        span.fail(type(error).__qualname__)
        raise
    finally:
        span.end()
