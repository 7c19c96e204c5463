"""What a Grome that was killed left running."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from grome.dev.embedded.home_lock import OWNER_VARIABLE

PATIENCE_SECONDS = 4  # mongod needs about one
POLL_SECONDS = 0.02


def end_orphans(home: Path, *, patience: float = PATIENCE_SECONDS) -> None:
    """Ends every server and worker that carries the mark of `home`; only for the owner of `home`, before it starts any.

    Returns when they have ended, and so let go of their ports and locks. `patience`: seconds until those that do not
    end by themselves are killed.
    """
    leftovers = list(_marked_with(home))
    for process in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in _remaining(leftovers, patience):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _remaining(leftovers, patience)


def _marked_with(home: Path) -> Iterator[psutil.Process]:
    me = psutil.Process()
    spared = {me.pid, *(ancestor.pid for ancestor in me.parents())}
    for process in psutil.process_iter():
        try:
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            if process.environ().get(OWNER_VARIABLE) == str(home):
                yield process
        except psutil.Error:  # it ended meanwhile, or is not ours to read
            continue


def _remaining(processes: Sequence[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that have not ended within `patience` seconds."""
    deadline = time.monotonic() + patience
    remaining = list(processes)
    while (remaining := [process for process in remaining if not _ended(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return remaining


def _ended(process: psutil.Process) -> bool:
    # psutil's own wait would sit out its time on a zombie: in a container the first process may never collect orphans.
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
