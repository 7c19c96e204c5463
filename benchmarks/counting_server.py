"""One process that answers searches on the fast path with three recorders, each on a port of its own.

`python -m benchmarks.counting_server` counts as in production on GROME_HTTP_PORT, nothing on UNCOUNTED_PORT, and each
request twice on TWICE_PORT. All else is shared: code, caches, and the memory of the metrics.
"""

import asyncio
import copy
import os
import signal
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol, cast

import uvloop

from grome.app import App, create_app
from grome.cli.bootstrap import load_connected_settings
from grome.infrastructure.http.request_metrics import CountedRoute
from grome.infrastructure.telemetry.block import shared_block
from grome.infrastructure.telemetry.event_loop import keep_measuring_lag
from grome.infrastructure.telemetry.registry import attach
from grome.nearby.fast_path import FastPathProtocol, Head
from grome.nearby.fast_query import FastQueries

UNCOUNTED_PORT, TWICE_PORT = "UNCOUNTED_PORT", "TWICE_PORT"
_HOST: Final = "127.0.0.1"


class Recorder(Protocol):
    def count(self, seconds: float) -> None: ...


class NoRecorder:
    def count(self, seconds: float) -> None:
        """Count nothing."""


class TwiceRecorder:
    """Counts each request again, with another call and another look at the clock."""

    def __init__(self, counted: CountedRoute) -> None:
        self._counted, self._began = counted, time.perf_counter()

    def count(self, seconds: float) -> None:
        self._counted.count(seconds)
        self._counted.count(time.perf_counter() - self._began)


class _RecordingProtocol(FastPathProtocol):
    """Answers with the queries of its port; its subclasses differ in nothing else."""

    __slots__ = ()
    queries: FastQueries

    def _head_of(self, lines: bytes) -> Head | None:
        head = super()._head_of(lines)
        self._queries = self.queries
        return head


def _protocol(queries: FastQueries, recorder: Recorder) -> type[_RecordingProtocol]:
    own = copy.copy(queries)
    own.counted = cast("CountedRoute", recorder)
    return type("Recording", (_RecordingProtocol,), {"__slots__": (), "queries": own})


async def _serve(app: App, ports: Mapping[str, int]) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, told.set)
    server = await app.create_server(_HOST, ports["GROME_HTTP_PORT"], return_asyncio_server=True)
    assert server is not None  # noqa: S101 -- it was asked for
    await server.startup()  # type: ignore[no-untyped-call]
    await server.before_start()  # type: ignore[no-untyped-call]
    server.close()  # type: ignore[no-untyped-call]
    queries = app.ctx.container.get(FastQueries)
    recorders: dict[str, Recorder] = {
        "GROME_HTTP_PORT": queries.counted,
        UNCOUNTED_PORT: NoRecorder(),
        TWICE_PORT: TwiceRecorder(queries.counted),
    }
    for name, recorder in recorders.items():
        await loop.create_server(partial(_protocol(queries, recorder), loop=loop, app=app), _HOST, ports[name])
    measuring = asyncio.create_task(keep_measuring_lag())
    await told.wait()
    measuring.cancel()
    await server.after_stop()  # type: ignore[no-untyped-call]


def main() -> None:
    ports = {name: int(os.environ[name]) for name in ("GROME_HTTP_PORT", UNCOUNTED_PORT, TWICE_PORT)}
    with shared_block(1) as block:
        attach(block, "benchmark")
        uvloop.run(_serve(create_app(load_connected_settings()), ports))


if __name__ == "__main__":
    main()
