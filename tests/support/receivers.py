"""Receivers of reports for Sentry and of traces by OTLP, in threads of their own, that keep everything received."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SentryReceiver:
    """Holds the received envelopes as text, and the events in them."""

    def __init__(self) -> None:
        self.envelopes: list[str] = []
        self.dsn = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for envelope in self.envelopes for event in _events_in(envelope)]


class TraceCollector:
    """Holds the received spans in the order of their arrival."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.endpoint = ""

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)


@contextmanager
def receiving_reports() -> Iterator[SentryReceiver]:
    receiver = SentryReceiver()
    with _serving(lambda body: receiver.envelopes.append(body.decode())) as port:
        receiver.dsn = f"http://public@127.0.0.1:{port}/42"
        yield receiver


@contextmanager
def collecting_traces() -> Iterator[TraceCollector]:
    collector = TraceCollector()
    with _serving(collector.take) as port:
        collector.endpoint = f"http://127.0.0.1:{port}/v1/traces"
        yield collector


@contextmanager
def _serving(take: Callable[[bytes], None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            # Sentry's client compresses by brotli where it finds it; httpx decodes each coding.
            coding = {"content-encoding": self.headers.get("content-encoding", "identity")}
            take(httpx.Response(200, headers=coding, content=body).content)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that http.server uses
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _events_in(envelope: str) -> Iterator[dict[str, Any]]:
    """Return the events of an envelope: lines of JSON, the header of an item before each item."""
    lines = envelope.splitlines()[1:]
    for header, item in zip(lines[::2], lines[1::2], strict=True):
        if json.loads(header)["type"] == "event":
            yield json.loads(item)
