"""A receiver of Sentry's envelopes, in a thread of its own, which keeps them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class SentryReceiver:
    """Holds the received envelopes as text, and the events in them."""

    def __init__(self) -> None:
        self.envelopes: list[str] = []
        self.dsn = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for envelope in self.envelopes for event in _events_in(envelope)]


@contextmanager
def receiving_reports() -> Iterator[SentryReceiver]:
    receiver = SentryReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            # Sentry's client compresses by brotli where it finds it; httpx decodes each coding.
            encoding = {"content-encoding": self.headers.get("content-encoding", "identity")}
            receiver.envelopes.append(f"{self.path}\n{httpx.Response(200, headers=encoding, content=body).text}")
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that http.server uses
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.dsn = f"http://public@127.0.0.1:{server.server_port}/42"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _events_in(envelope: str) -> Iterator[dict[str, Any]]:
    """Return the events of an envelope: lines of JSON, the header of an item before each item."""
    lines = envelope.splitlines()[2:]
    for header, item in zip(lines[::2], lines[1::2], strict=True):
        if json.loads(header)["type"] == "event":
            yield json.loads(item)
