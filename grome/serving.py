"""Sanic's process manager with what it lacks: job workers beside the API, and dead processes replaced."""

import socket
import threading
import time
from functools import partial
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from loguru import logger
from sanic import Sanic
from sanic.worker.constants import ProcessState
from sanic.worker.loader import AppLoader
from sanic.worker.manager import WorkerManager

from config.settings import Settings
from grome.app import App, create_app
from grome.embedded.errors import CannotStart
from workers.runner import run_worker

_LOOK_EVERY_S: Final = 0.25
# States in which a process that does not live is meant not to.
_LEAVING: Final = frozenset({ProcessState.TERMINATED, ProcessState.JOINED, ProcessState.RESTARTING, ProcessState.IDLE})


def serve(settings: Settings, banner: str) -> None:
    """Serve until SIGINT or SIGTERM; `banner` is printed once the API answers. Raises CannotStart for a busy port."""
    _check_port(settings.http.host, settings.http.port)
    loader = AppLoader(factory=partial(create_app, settings))
    app = loader.load()

    @app.main_process_ready
    async def add_helpers(app: App) -> None:
        for number in range(settings.jobs.workers):
            # Transient means to Sanic that it may be started anew, which is what the watchdog asks for.
            app.manager.manage(f"Jobs-{number}", run_worker, {"settings": settings}, transient=True, restartable=True)
        threading.Thread(target=_watch, args=(app.manager,), name="watchdog", daemon=True).start()
        threading.Thread(target=_announce, args=(settings, banner), name="announcer", daemon=True).start()

    app.prepare(
        host=settings.http.host,
        port=settings.http.port,
        workers=settings.http.workers,
        access_log=False,
        motd=False,
    )
    Sanic.serve(primary=app, app_loader=loader)


def _watch(manager: WorkerManager) -> None:
    """Sanic never starts a killed process again; asked by name over its own channel, it does."""
    reported: set[int] = set()
    while not manager._shutting_down:  # noqa: SLF001 -- Sanic has no public word for it
        for process in list(manager.processes):
            pid = process.pid
            if pid in reported or process.state in _LEAVING or process.is_alive():
                continue
            reported.add(pid)
            logger.error("{} [{}] died with exit code {}; starting another", process.name, pid, process.exitcode)
            manager.monitor_publisher.send(process.name)
        time.sleep(_LOOK_EVERY_S)


def _announce(settings: Settings, banner: str) -> None:
    host = "127.0.0.1" if settings.http.host == "0.0.0.0" else settings.http.host  # noqa: S104 -- compared, not bound
    url = f"http://{host}:{settings.http.port}/health/live"
    for _ in range(600):
        try:
            with urlopen(url, timeout=1):
                print(banner, flush=True)  # noqa: T201 -- for the person at the terminal
                return
        except (URLError, OSError):
            time.sleep(0.1)


def _check_port(host: str, port: int) -> None:
    """Said before anything starts: of a busy port Sanic tells by a traceback from each worker."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {host} port {port} ({error.strerror}); set GROME_HTTP_PORT to a free one."
            ) from None
