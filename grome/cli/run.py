"""`grome run`: embedded servers, demo data and `grome serve`, all ended by one Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Final

# `grome serve` ends by itself in less time, unless it has thousands of live clients to move away; then it is killed.
_STOP_SECONDS: Final = 4
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_RETRY_SECONDS: Final = 0.05


class StopRequested(SystemExit):
    """Raised on SIGINT or SIGTERM. A SystemExit, since event loops swallow other exceptions."""


def stop_on_signals() -> None:
    """Install signal handlers that raise StopRequested, so that every open `with` block is left in order."""
    for signum in (*_STOP_SIGNALS, signal.SIGALRM):
        signal.signal(signum, _stop)
    sys.unraisablehook = _retry_dropped_stop


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise StopRequested


def _retry_dropped_stop(unraisable: "sys.UnraisableHookArgs") -> None:
    """Raise a dropped StopRequested again: Python discards exceptions that are raised while an object is freed."""
    if isinstance(unraisable.exc_value, StopRequested):
        signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)


def serve_as_child(environment: Mapping[str, str]) -> int:
    """Run `grome serve` until it ends or StopRequested is raised; return its exit code.

    The child has a session of its own: Ctrl-C at a terminal reaches every process of the session, and would kill
    starting workers, which Sanic's manager does not handle. Here the signal is passed on to the manager alone.
    """
    command = [sys.executable, "-m", "grome", "serve", "--demo"]
    child = subprocess.Popen(  # noqa: S603 -- ourselves
        command, env={**os.environ, **environment}, start_new_session=True
    )
    try:
        return child.wait()
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    for signum in (*_STOP_SIGNALS, signal.SIGALRM):
        signal.signal(signum, signal.SIG_IGN)  # ignore repeated signals during shutdown
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    with suppress(ProcessLookupError):  # children are left only if the process was killed
        os.killpg(child.pid, signal.SIGKILL)
