"""Run CPU-bound work in a few threads with a bounded queue. A storm is refused at once instead of waiting."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from grome.common.errors import Unavailable

T = TypeVar("T")

# Clients give up after some ten seconds, and work that nobody waits for would keep others waiting.
MAX_WAIT_S: Final = 8.0
_WEIGHT: Final = 0.2  # of the latest call in the moving average


class BoundedThreads:
    """Runs functions in threads.

    A call is refused if `max_pending` calls are running or waiting, or if it would wait longer than `max_wait_s` by the
    average duration of the latest calls.

    A background thread yields the processor to every event loop of the machine (Linux only). It must release the GIL
    while it works: a thread that is held back while it has the GIL would hold back the event loop too.
    """

    def __init__(
        self, name: str, threads: int, max_pending: int, *, background: bool = False, max_wait_s: float = MAX_WAIT_S
    ) -> None:
        initializer = _lower_priority if background else None
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name, initializer=initializer)
        self._threads, self._max_pending, self._max_wait_s = threads, max_pending, max_wait_s
        self._lock, self._pending, self._average_s = threading.Lock(), 0, 0.0

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 -- the function's arguments
        """Return the result of the call. Raises Unavailable at once if the queue is full."""
        with self._lock:
            self._require_place()
            self._pending += 1
        call = self._executor.submit(self._timed, function, *args)
        # Not after the await: a cancelled request leaves the thread at work.
        call.add_done_callback(lambda _: self._leave())
        return await asyncio.wrap_future(call)

    def require_place(self) -> None:
        """Raise Unavailable if the queue is full now, before work that would be in vain."""
        with self._lock:
            self._require_place()

    def _require_place(self) -> None:
        wait_s = self._pending * self._average_s / self._threads
        if self._pending >= self._max_pending or wait_s > self._max_wait_s:
            raise Unavailable("Too many passwords are being checked at the moment; try again in a few seconds.")

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _timed(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401
        began = time.perf_counter()
        try:
            return function(*args)
        finally:
            spent_s = time.perf_counter() - began
            with self._lock:
                self._average_s += _WEIGHT * (spent_s - self._average_s) if self._average_s else spent_s

    def _leave(self) -> None:
        with self._lock:
            self._pending -= 1


def _lower_priority() -> None:
    """Lower the priority of the calling thread. Linux counts niceness by thread, other systems by process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
