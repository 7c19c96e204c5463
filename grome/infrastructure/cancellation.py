"""Tasks that run as long as their process, and their end."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def raise_if_cancelled() -> None:
    """Called once a round by every loop that waits for Redis or MongoDB inside.

    Redis's driver can lose a cancellation that comes while it connects (redis-py 7.4): the call returns as if nothing
    had happened, and the loop around it would go on for ever. The task itself still knows.
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
