"""Rolling restart: SIGHUP replaces the processes of `grome serve` one by one by processes that run the new code.

Sanic spawns its processes, so that each new one imports the code and reads the settings anew. All API workers accept
from the one socket that the main process opened. A worker leaves it when its replacement accepts, and connections that
no process has accepted yet wait in the socket.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from loguru import logger
from sanic.worker.constants import ProcessState, RestartOrder
from sanic.worker.manager import WorkerManager
from sanic.worker.process import WorkerProcess
from sanic.worker.restarter import Restarter

from grome.infrastructure.http.stopping import REPLACED_SECONDS

API: Final = WorkerProcess.SERVER_LABEL
JOBS: Final = "Jobs"
# An API worker that gets this signal has been replaced, and stops.
REPLACED: Final = signal.SIGUSR1
_POLL_SECONDS: Final = 0.1
# A job worker hands its jobs back within a second, and closes its clients.
_JOBS_SECONDS: Final = 10.0


class WorkerChanges(Restarter):
    """Starts, dismisses and forgets workers, in the main thread: Sanic expects changes of its processes there only.

    Sanic passes each message of its channel to `restart`, here a command and the label of a worker.
    """

    def __init__(self, manager: WorkerManager) -> None:
        self._manager = manager

    def restart(
        self,
        transient_processes: list[WorkerProcess],
        durable_processes: list[WorkerProcess],
        process_names: list[str] | None = None,
        restart_order: RestartOrder = RestartOrder.SHUTDOWN_FIRST,
        **options: Any,  # noqa: ANN401 -- Sanic's signature
    ) -> None:
        command, _, label = (process_names or [""])[0].partition(" ")
        match command:
            case "start":
                self._start(label)
            case "dismiss":
                for process in self._manager.transient[label].processes:
                    process.set_state(ProcessState.TERMINATED, force=True)
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, REPLACED)
            case "forget":
                for process in self._manager.transient.pop(label).processes:
                    process.exit()  # type: ignore[no-untyped-call]
            case "__TERMINATE_EARLY__":
                pass  # a worker that could not start has said so in the log
            case _:
                super().restart(transient_processes, durable_processes, process_names, restart_order, **options)

    def _start(self, label: str) -> None:
        """Start an API worker like the others, under a label that no living worker has."""
        like = next(worker for worker in self._manager.transient.values() if worker.name.startswith(API))
        worker = self._manager.manage(label, like.serve, like.server_settings, transient=True, ident=label)
        for process in worker.processes:
            process.start()  # type: ignore[no-untyped-call]


class RollingRestart:
    """Replaces all API workers, then all job workers, in a thread of the main process. A stop interrupts it.

    `restart_dead` is called during the migration, which can take long.
    """

    def __init__(
        self,
        manager: WorkerManager,
        is_stopping: threading.Event,
        start_seconds: float,
        restart_dead: Callable[[], None],
    ) -> None:
        self._manager, self._is_stopping, self._start_seconds = manager, is_stopping, start_seconds
        self._restart_dead = restart_dead

    def run(self) -> None:
        began = time.monotonic()
        if not self._migrate():
            logger.error("The new code cannot start (see above); the processes run on unchanged")
            return
        replaced = all(self._replace(label) for label in self._labels(API))
        if replaced and all(self._restart_job_worker(label) for label in self._labels(JOBS)):
            logger.info("All processes were replaced in {:.0f} s", time.monotonic() - began)

    def _migrate(self) -> bool:
        """Apply missing migrations by the new code, and return whether it can be imported and accepts the settings."""
        child = subprocess.Popen([sys.executable, "-m", "grome", "migrate"])
        while child.poll() is None:
            self._restart_dead()
            if self._is_stopping.wait(_POLL_SECONDS):
                child.terminate()
                child.wait()
        return child.returncode == 0

    def _labels(self, kind: str) -> list[str]:
        return [label for label in self._manager.transient if label.startswith(kind)]

    def _replace(self, label: str) -> bool:
        number = 0
        while (fresh := f"{API}-{number}") in self._manager.transient:  # with n workers, n + 1 labels suffice
            number += 1
        self._send("start", fresh)
        if not self._wait(lambda: self._serves(fresh), self._start_seconds, lambda: self._has_died(fresh)):
            if not self._is_stopping.is_set():
                logger.error("{} did not start with the new code; the other processes run on unchanged", fresh)
                self._end(fresh)
            return False
        self._send("dismiss", label)
        self._wait(lambda: self._has_died(label), REPLACED_SECONDS + _JOBS_SECONDS)
        if self._is_stopping.is_set():
            return False
        self._end(label)
        return True

    def _restart_job_worker(self, label: str) -> bool:
        (process,) = self._manager.transient[label].processes
        pid = process.pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        self._wait(lambda: self._has_died(label), _JOBS_SECONDS)
        if self._is_stopping.is_set():
            return False
        self._kill(process)
        self._manager.monitor_publisher.send(process.name)
        return self._wait(lambda: process.pid not in (pid, None), self._start_seconds)

    def _end(self, label: str) -> None:
        """Kill a process that still lives, and forget its worker."""
        for process in self._manager.transient[label].processes:
            self._kill(process)
        self._send("forget", label)
        self._wait(lambda: label not in self._manager.transient, self._start_seconds)

    def _kill(self, process: WorkerProcess) -> None:
        if process.is_alive():  # type: ignore[no-untyped-call]
            logger.error("{} [{}] did not end in time and is killed", process.name, process.pid)
            os.kill(process.pid, signal.SIGKILL)
            self._wait(lambda: not process.is_alive(), self._start_seconds)  # type: ignore[no-untyped-call]

    def _serves(self, label: str) -> bool:
        worker = self._manager.transient.get(label)
        states = [self._manager.worker_state.get(process.name, {}) for process in worker.processes] if worker else []
        return any(state.get("serving") for state in states)

    def _has_died(self, label: str) -> bool:
        worker = self._manager.transient.get(label)
        started = [process for process in worker.processes if process.pid] if worker else []
        return bool(started) and not any(process.is_alive() for process in started)  # type: ignore[no-untyped-call]

    def _send(self, command: str, label: str) -> None:
        self._manager.monitor_publisher.send(f"{command} {label}")

    def _wait(self, holds: Callable[[], bool], seconds: float, is_vain: Callable[[], bool] = lambda: False) -> bool:
        """Wait until `holds` is true, and return whether it is; no longer than until the main process has to stop."""
        deadline = time.monotonic() + seconds
        while not holds():
            if is_vain() or time.monotonic() > deadline or self._is_stopping.wait(_POLL_SECONDS):
                return False
        return True
