"""Cancel long-running tasks reliably."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

_CANCEL_AGAIN_S: Final = 0.1


def raise_if_cancelled() -> None:
    """Raise CancelledError if this task is being cancelled. Every loop around Redis or MongoDB calls it once a round.

    A driver can lose a cancellation: redis-py 7.4 where it connects, PyMongo where it waits for a server, by
    `asyncio.wait_for` of Python 3.11. The call returns normally, and the loop around it would never end. The task still
    counts the cancellation.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


async def run_in_own_task(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that uses a TaskGroup in a task of its own.

    In Python 3.11 a TaskGroup of which a task failed leaves the surrounding task marked as cancelled
    (python/cpython#116720), so a loop that goes on after the failure would end at its next `raise_if_cancelled`.
    """
    await asyncio.create_task(coroutine)


async def cancel_until_done(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks repeatedly until all have ended, since a driver can lose a cancellation."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)
