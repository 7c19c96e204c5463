"""A server as a child process."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from grome.dev.embedded.errors import CannotStart

START_SECONDS = 60  # far above the usual second: after a crash with much data, mongod replays its journal first
STOP_SECONDS = 8
POLL_SECONDS = 0.01


class ServerProcess:
    """A child process in a session of its own, so that Ctrl-C does not end it before the application.

    Its output goes to `log`; the log of the last run is kept as `log`.1. If the process dies while starting, `explain`
    gets the lines of the log that are not blank, and picks the line for the error message.
    """

    def __init__(self, command: Sequence[str], log: Path, explain: Callable[[Sequence[str]], str]) -> None:
        self.name = Path(command[0]).name
        self._log = log
        self._explain = explain
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        with log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 - the program comes from find_binary
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready`. Raises CannotStart if the server dies, or is not ready within START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.process.poll() is not None:
                raise CannotStart(self._start_failure())
            if time.monotonic() > deadline:
                raise CannotStart(f"{self.name} was not ready within {START_SECONDS} seconds (its log: {self._log}).")
            time.sleep(POLL_SECONDS)

    def _start_failure(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        reason = self._explain(lines) if lines else "it wrote nothing"
        status = self.process.returncode
        return f"{self.name} ended while starting, with status {status}: {reason.rstrip('.')} (its log: {self._log})."


def stop(servers: Sequence[ServerProcess]) -> None:
    """Terminate all servers; kill the rest after STOP_SECONDS, or on another Ctrl-C."""
    deadline = time.monotonic() + STOP_SECONDS
    try:
        for server in servers:
            server.process.terminate()
        for server in servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(deadline - time.monotonic())
    finally:
        for server in servers:
            server.process.kill()  # does nothing to an ended process
            server.process.wait()
