"""Ends what a test process has started and not ended. It runs beside that process, and outlives a kill of it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from grome.embedded.ownership import OWNER_VARIABLE

_PATIENCE_S = 4


@contextmanager
def reaping(base: Path) -> Iterator[None]:
    """What was started within the block and carries the mark of a folder under `base` ends with this process at the
    latest, in a session of its own that no Ctrl-C reaches. Fails where something is left at the block's own end.
    """
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "tests.reaper", str(base.resolve())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, start_new_session=True, cwd=root
    ):  # its input ends with this process
        yield
        left = [" ".join(process.cmdline()) for process in marked(base.resolve())]
    assert not left, f"still there after the tests: {left}"


def marked(base: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_marked(process, base)]


def _is_marked(process: psutil.Process, base: Path) -> bool:
    try:
        owner = process.environ().get(OWNER_VARIABLE)
        return bool(owner) and Path(str(owner)).is_relative_to(base) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it ended meanwhile, or is not ours to read
        return False


def reap(base: Path) -> None:
    """Again and again, since one that is just being ended may start another."""
    while left := marked(base):
        for process in left:
            process.terminate()
        for process in psutil.wait_procs(left, timeout=_PATIENCE_S)[1]:
            process.kill()


if __name__ == "__main__":
    sys.stdin.read()
    reap(Path(sys.argv[1]))
