"""Spans by OpenTelemetry. Only `observers.py` imports this module, where the settings name a collector."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from random import random
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from config.settings import Settings
from grome import installed_version
from grome.infrastructure.tracing.spans import Kind, OpenSpan

# An export that takes longer is given up.
_EXPORT_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 1.0
_EXPORT_EVERY_MS: Final = 1_000
# Spans that wait for their export; further ones are lost.
MAX_QUEUED_SPANS: Final = 2_048
_KINDS: Final = {kind.name.lower(): kind for kind in SpanKind}
_HEADER: Final = TraceContextTextMapPropagator()


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self.raw = span

    @property
    def trace_id(self) -> str | None:
        context = self.raw.get_span_context()
        return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else None

    @property
    def traceparent(self) -> str | None:
        context = self.raw.get_span_context()
        if not context.trace_flags.sampled:
            return None
        return f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-01"

    def set(self, name: str, value: str | int) -> None:
        self.raw.set_attribute(name, value)

    def fail(self, error_type: str) -> None:
        self.raw.set_attribute("error.type", error_type)
        self.raw.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        self.raw.end()


class RequestSampler(Sampler):
    """Samples a share of the requests, and every span that follows from a sampled span.

    The `traceparent` of a client decides nothing but the trace id, unless clients are trusted: its flag, or an id that
    was chosen for `TraceIdRatioBased`, would have each request of a stranger recorded.
    """

    def __init__(self, ratio: float, *, trusts_clients: bool) -> None:
        self._ratio, self._trusts_clients = ratio, trusts_clients
        self._by_parent = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if kind is not SpanKind.SERVER or self._trusts_clients:
            return self._by_parent.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if random() >= self._ratio:  # noqa: S311 -- a sample, no secret
            return SamplingResult(Decision.DROP)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return f"RequestSampler({self._ratio})"


class OpenTelemetry:
    """Sends spans from a thread of its own. They are lost without a word while the collector is away."""

    def __init__(self, settings: Settings) -> None:
        resource = Resource(
            {
                "service.name": "grome",
                "service.version": installed_version(),
                "deployment.environment.name": settings.env,
            }
        )
        self.trusts_clients = settings.traces.trust_clients
        sampler = RequestSampler(settings.traces.ratio, trusts_clients=self.trusts_clients)
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=settings.traces.endpoint, timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=MAX_QUEUED_SPANS, schedule_delay_millis=_EXPORT_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("grome")

    def begin(
        self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, str | int], age_s: float
    ) -> OpenSpan:
        context = _HEADER.extract({"traceparent": parent}, Context()) if parent else None
        if kind == "server" and context is None:
            context = Context()  # a request begins a trace of its own
        began = time.time_ns() - int(age_s * 1e9) if age_s else None
        return _Span(self._tracer.start_span(name, context, kind=_KINDS[kind], attributes=attributes, start_time=began))

    def current(self) -> OpenSpan | None:
        span = trace.get_current_span()
        return _Span(span) if span.is_recording() else None

    def make_current(self, span: OpenSpan) -> AbstractContextManager[Any]:
        assert isinstance(span, _Span)  # noqa: S101 -- `begin` makes all of them
        return trace.use_span(span.raw, record_exception=False, set_status_on_exception=False)

    def close(self) -> None:
        """Send the last spans, for a second at most. Where the collector hangs, the rest is lost."""
        # The SDK waits for each batch by itself, which adds up to several seconds.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
