"""Locks a home folder, so that one Grome at a time uses it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from grome.dev.embedded.errors import CannotStart

OWNER_VARIABLE = "GROME_HOME_OWNER"


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Lock `home`, an absolute path, and mark child processes by an environment variable.

    Raises CannotStart if a living process holds the lock. The kernel releases the lock when its owner ends, even by a
    kill; `end_orphans` then finds the owner's children by the mark. A child forked without exec would share the lock
    and lack the mark, so workers have to be spawned, as Sanic does.
    """
    with _open_lock_file(home) as lock:
        _lock(lock, home)
        before = os.environ.get(OWNER_VARIABLE)
        os.environ[OWNER_VARIABLE] = str(home)
        try:
            yield
        finally:
            if before is None:
                del os.environ[OWNER_VARIABLE]
            else:
                os.environ[OWNER_VARIABLE] = before


def _open_lock_file(home: Path) -> IO[str]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return (home / "owner.lock").open("a+")
    except OSError as error:
        raise CannotStart(f"The folder {home} cannot be used to keep data in: {error.strerror}.") from error


def _lock(lock: IO[str], home: Path) -> None:
    if os.name != "posix":
        raise CannotStart("The embedded servers run on Linux and macOS only: set GROME_MONGO_URL and GROME_REDIS_URL.")
    import fcntl  # noqa: PLC0415 - absent elsewhere, where the sentence above must still be told

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        owner = lock.read() or "number unknown"
        raise CannotStart(
            f"The data in {home} are in use by another Grome, process {owner}: stop it, or choose another home folder."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
