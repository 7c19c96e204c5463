"""Waiting for what must come true."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_LOOK_EVERY_S = 0.005


async def until(holds: Callable[[], Awaitable[bool]] | Callable[[], bool], *, within_s: float) -> float:
    """Looks again and again; returns after how many seconds it held. Fails where it does not within `within_s`."""
    started = time.monotonic()
    while True:
        held = holds()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - started
        assert time.monotonic() - started < within_s, f"did not come true within {within_s} s"
        await asyncio.sleep(_LOOK_EVERY_S)
