"""End the processes that a test process has started and not ended. It runs beside that process, and outlives a kill of
it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from grome.dev.embedded.home_lock import OWNER_VARIABLE

_ROOT = Path(__file__).parents[2]
_PATIENCE_S = 15


@contextmanager
def reap_at_exit(base: Path) -> Iterator[None]:
    """End processes started within the block at the latest when this process ends, in any way. Their mark is a home
    that is `base` or lies under it. Fails where something is left at the block's own end.
    """
    base = base.resolve()
    command = [sys.executable, "-m", "tests.support.process_reaper", str(base)]
    # Its input ends with this process; Ctrl-C does not reach a session of its own.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd=_ROOT):
        os.environ[OWNER_VARIABLE] = str(base)
        yield
        del os.environ[OWNER_VARIABLE]
        left = [process.name() for process in _lasting(base)]
    assert not left, f"still there after the tests: {left}"


def reap(base: Path) -> None:
    """Again and again, since one that is just being ended may start another."""
    while left := _marked(base):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        for process in _lasting(base):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _lasting(base: Path) -> list[psutil.Process]:
    """Those that have not ended after a while."""
    deadline = time.monotonic() + _PATIENCE_S
    while (left := _marked(base)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _marked(base: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_marked(process, base)]


def _is_marked(process: psutil.Process, base: Path) -> bool:
    try:
        owner = process.environ().get(OWNER_VARIABLE)
        return bool(owner) and Path(str(owner)).is_relative_to(base) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it ended meanwhile, or is not ours to read
        return False


if __name__ == "__main__":
    sys.stdin.read()
    reap(Path(sys.argv[1]))
