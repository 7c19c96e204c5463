"""`grome run`: embedded servers, demo data and Grome itself as one thing that one Ctrl-C ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Final

# `grome serve` ends by itself in less; this is for one that hangs.
_STOP_SECONDS: Final = 4
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_RETRY_SECONDS: Final = 0.05


class StopRequested(SystemExit):
    """Somebody asked by SIGINT or SIGTERM to end. Event loops let a SystemExit pass, unlike other exceptions."""


def stop_on_signals() -> None:
    """From here on SIGINT and SIGTERM raise StopRequested, so that every `with` block in between is left in order."""
    for signum in (*_STOP_SIGNALS, signal.SIGALRM):
        signal.signal(signum, _stop)
    sys.unraisablehook = _retry_dropped_stop


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise StopRequested


def _retry_dropped_stop(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised while it frees an object; a signal that came just then would be lost."""
    if isinstance(unraisable.exc_value, StopRequested):
        signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)


def serve_as_child(environment: Mapping[str, str]) -> int:
    """`grome serve` until it ends or StopRequested is raised; returns its exit code.

    It has a session of its own: Ctrl-C at a terminal goes to every process there, and would cut down workers that are
    still starting, which Sanic's manager takes badly. So the signal comes here and is handed on to the manager alone.
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
        signal.signal(signum, signal.SIG_IGN)  # asked once is enough: the end is on its way
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    with suppress(ProcessLookupError):  # none is left, unless it was killed and could not end its own
        os.killpg(child.pid, signal.SIGKILL)
