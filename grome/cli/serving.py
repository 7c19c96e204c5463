"""Sanic's process manager, extended by job workers and by a watchdog that replaces dead processes."""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

from loguru import logger
from sanic import Sanic
from sanic.worker.constants import ProcessState
from sanic.worker.loader import AppLoader
from sanic.worker.manager import WorkerManager
from sanic.worker.process import WorkerProcess

from config.sections.servers import HttpSettings
from config.settings import Settings
from grome.app import App, create_app
from grome.cli.bootstrap import load_connected_settings
from grome.cli.rolling import JOBS, REPLACED, RollingRestart, WorkerChanges
from grome.dev.embedded.errors import CannotStart
from grome.infrastructure.cancellation import cancel_until_done
from grome.infrastructure.http.stopping import stop_replaced
from grome.infrastructure.logs import log_start
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.infrastructure.telemetry.block import shared_block
from grome.infrastructure.telemetry.event_loop import keep_measuring_lag
from grome.infrastructure.telemetry.registry import attach_child
from grome.nearby.fast_path import protocol_class
from grome.realtime.connections import DRAIN_SECONDS
from workers.runner import run_worker

_POLL_SECONDS: Final = 0.25
# For the steps of a stop that have no setting of their own: counts, spans and reports are sent, and clients closed.
_CLOSE_SECONDS: Final = 3.0
# A busy machine takes long to start a worker. Sanic gives up after 30 s, and then kills its whole process group.
_START_SECONDS: Final = 120
# States in which a process has ended on purpose.
_STOPPING_STATES: Final = frozenset(
    {ProcessState.TERMINATED, ProcessState.JOINED, ProcessState.RESTARTING, ProcessState.IDLE}
)


def serve(settings: Settings, banner: str) -> None:
    """Serve until SIGINT or SIGTERM; `banner` is printed once all API workers have started."""
    with shared_block(settings.http.workers + settings.jobs.workers) as metrics:
        _serve(settings, banner, metrics)


def _serve(settings: Settings, banner: str, metrics: Path) -> None:
    app = _create_counting_app(settings, metrics)
    log_start(settings.env, "process manager")

    @app.main_process_ready
    async def add_helpers(app: App) -> None:
        for number in range(settings.jobs.workers):
            # Sanic restarts only transient processes, and the watchdog needs restarts.
            given = {"metrics": metrics}
            app.manager.manage(f"{JOBS}-{number}", _run_job_worker, given, transient=True, restartable=True)
        app.manager.restarter = WorkerChanges(app.manager)
        watchdog = Watchdog(app.manager, banner, stop_seconds(settings.http))
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, watchdog.ask_to_stop)
        signal.signal(signal.SIGHUP, watchdog.ask_to_reload)
        threading.Thread(target=watchdog.run, name="watchdog", daemon=True).start()

    WorkerManager.THRESHOLD = WorkerProcess.THRESHOLD = _START_SECONDS * 10  # in tenths of a second
    app.prepare(
        host=settings.http.host,
        port=settings.http.port,
        workers=settings.http.workers,
        protocol=protocol_class(settings),
        access_log=False,
        motd=False,
    )
    Sanic.serve(primary=app, app_loader=AppLoader(factory=partial(_load_app, metrics)))
    app.ctx.observers.close()


def _load_app(metrics: Path) -> App:
    """Create the application of an API worker. A worker of a rolling restart reads new settings."""
    return _create_counting_app(load_connected_settings(), metrics)


def _run_job_worker(metrics: Path) -> None:
    run_worker(load_connected_settings(), metrics)


def _create_counting_app(settings: Settings, metrics: Path) -> App:
    """Create the application of a process, which counts for the metrics."""
    attach_child(metrics)
    app = create_app(settings)

    @app.after_server_start
    async def start_counting(app: App) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process alone decides about a rolling restart
        asyncio.get_running_loop().add_signal_handler(REPLACED, stop_replaced, app)
        counting = app.ctx.container.get(StoredCounts).keep_storing(), keep_measuring_lag()
        app.ctx.counting = [asyncio.create_task(each) for each in counting]

    @app.before_server_stop
    async def stop_counting(app: App) -> None:
        await cancel_until_done(app.ctx.counting)

    return app


def stop_seconds(settings: HttpSettings) -> float:
    """Return the time from the signal until the last process has ended.

    Load balancers leave first, then live clients are moved away, then requests finish. Jobs have less time beside these
    steps (workers/runner.py).
    """
    return settings.stop_delay_s + DRAIN_SECONDS + settings.finish_s + _CLOSE_SECONDS


class Watchdog:
    """Restarts dead processes and ends hanging ones, in a thread of the main process.

    Sanic never starts a killed process again, but does when asked by name over its own channel. A signal that comes
    while workers still start would make its main process wait for ever, so signals are kept until all have started.
    Sanic also waits for ever for a process that does not end.
    """

    def __init__(self, manager: WorkerManager, banner: str, stop_seconds: float) -> None:
        self._manager, self._banner, self._stop_seconds = manager, banner, stop_seconds
        self._asked, self._told_to_reload = threading.Event(), threading.Event()
        self._had_terminal = os.isatty(sys.stderr.fileno())
        self._reported: dict[str, int | None] = {}

    def ask_to_stop(self, *_signal: object) -> None:
        """Note the signal; a signal handler must not do more."""
        self._asked.set()

    def ask_to_reload(self, *_signal: object) -> None:
        """Note the signal, which also says that the terminal is gone: then the process ends like any other."""
        is_orphaned = self._had_terminal and not os.isatty(sys.stderr.fileno())
        (self._asked if is_orphaned else self._told_to_reload).set()

    def run(self) -> None:
        while not self._manager._all_workers_ack():  # type: ignore[no-untyped-call]  # noqa: SLF001 -- there is no public method
            time.sleep(_POLL_SECONDS)
        if not self._asked.is_set():
            print(self._banner, flush=True)  # noqa: T201 -- for the person at the terminal
        while not self._asked.wait(_POLL_SECONDS):
            if self._told_to_reload.is_set():
                self._told_to_reload.clear()
                RollingRestart(self._manager, self._asked, _START_SECONDS, self._restart_dead).run()
            self._restart_dead()
        self._manager.monitor_publisher.send("__TERMINATE__")
        time.sleep(self._stop_seconds)
        for process in self._manager.processes:
            if process.is_alive():
                logger.error("{} [{}] did not end in time and is killed", process.name, process.pid)
                os.kill(process.pid, signal.SIGKILL)

    def _restart_dead(self) -> None:
        for process in list(self._manager.processes):
            pid = process.pid
            is_reported = self._reported.get(process.name) == pid
            if is_reported or process.state in _STOPPING_STATES or process.is_alive():
                continue
            self._reported[process.name] = pid
            logger.error("{} [{}] died with exit code {}; starting another", process.name, pid, process.exitcode)
            self._manager.monitor_publisher.send(process.name)


def require_free_port(host: str, port: int, setting: str = "GROME_HTTP_PORT") -> None:
    """Raises CannotStart if the port is in use, or the host is none of this machine.

    Called before the start, since Sanic reports a port in use by a traceback from each worker.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:  # a name that nobody knows
        raise CannotStart(f"GROME_HTTP_HOST is {host!r}: {error.strerror}.") from None
    family, kind, _, _, address = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            advice = (
                "GROME_HTTP_HOST to an address of this machine"
                if error.errno == errno.EADDRNOTAVAIL
                else f"{setting} to a free one"
            )
            reason = os.strerror(error.errno or 0)
            raise CannotStart(f"Cannot listen on {host} port {port} ({reason}); set {advice}.") from None
