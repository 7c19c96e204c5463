"""Measure how late the timers of this process's event loop are."""

import asyncio
from typing import Final

from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.telemetry.catalogue import LOOP_LAG

_TICK_S: Final = 0.1


async def keep_measuring_lag() -> None:
    """Measure until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        raise_if_cancelled()
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        LOOP_LAG.observe(max(0.0, loop.time() - due))
