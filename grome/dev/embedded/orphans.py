"""Ends processes that a killed Grome left running."""

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
    """End every server and worker with the mark of `home`.

    Only the owner of the lock may call it, before it starts servers. Returns after the processes have ended and
    released their ports and locks. `patience`: seconds until remaining processes are killed.
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
    """Wait up to `patience` seconds and return the processes that still run."""
    deadline = time.monotonic() + patience
    remaining = list(processes)
    while (remaining := [process for process in remaining if not _ended(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return remaining


def _ended(process: psutil.Process) -> bool:
    # psutil's own wait would time out on a zombie: in a container the first process may never reap orphans.
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
