"""Tasks that run as long as their process, and their end."""

import asyncio


def end_if_cancelled() -> None:
    """Called once a round by every loop that waits for Redis or MongoDB inside.

    Redis's driver can lose a cancellation that comes while it connects (redis-py 7.4): the call returns as if nothing
    had happened, and the loop around it would go on for ever. The task itself still knows.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
