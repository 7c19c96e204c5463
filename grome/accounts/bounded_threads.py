"""Run CPU-bound work in a few threads with a bounded queue. A storm is refused at once instead of waiting."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from grome.common.errors import Unavailable

T = TypeVar("T")


class BoundedThreads:
    """Runs functions in threads; at most `max_pending` calls are running or waiting.

    A background thread yields the processor to every event loop of the machine (Linux only). It must release the GIL
    while it works: a thread that is held back while it has the GIL would hold back the event loop too.
    """

    def __init__(self, name: str, threads: int, max_pending: int, *, background: bool = False) -> None:
        initializer = _lower_priority if background else None
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name, initializer=initializer)
        self._places = threading.BoundedSemaphore(max_pending)

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 -- the function's arguments
        """Return the result of the call. Raises Unavailable at once if the queue is full."""
        self._take_place()
        call = self._executor.submit(function, *args)
        # Not after the await: a cancelled request leaves the thread at work.
        call.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(call)

    def require_place(self) -> None:
        """Raise Unavailable if the queue is full now, before work that would be in vain."""
        self._take_place()
        self._places.release()

    def _take_place(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many passwords are being checked at the moment; try again in a few seconds.")

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    """Lower the priority of the calling thread. Linux counts niceness by thread, other systems by process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
