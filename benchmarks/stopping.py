"""Orderly shutdown: every signal leaves all `with` blocks, so that no process keeps running."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

from grome.cli.run import StopRequested

T = TypeVar("T")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_at_signals() -> None:
    """From here on the first signal raises Stopped; further ones would disturb the tidying up and are ignored."""
    for signum in SIGNALS:
        signal.signal(signum, _stop)


def _stop(_signum: int, _frame: FrameType | None) -> None:
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    raise StopRequested


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, but a signal cancels `work`, and then Stopped is raised: within a task it could get lost."""
    try:
        return asyncio.run(_cancelled_by_signals(work))
    except asyncio.CancelledError:
        raise StopRequested from None
    finally:
        stop_at_signals()  # the loop took its own handlers with it


async def _cancelled_by_signals(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    for signum in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    return await task
