"""Wait until a condition is true."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Final

# The bound of every wait within one process; a test with another bound says why. It is far above the slowest wait on a
# busy machine, and costs nothing where the wait succeeds.
PATIENCE_S: Final = 60.0
# The same for a wait that begins with the start of a process: Grome imports a thousand modules.
START_PATIENCE_S: Final = 180.0
# A poll can be a request or a query: a long wait polls less often, so that it leaves the processors to other tests.
_POLL_SECONDS: Final = 0.005
_MAX_POLL_SECONDS: Final = 0.1
_POLLS_PER_WAIT: Final = 20


def overload() -> float:
    """Return by how much the machine has more to do than it has cores for; 1 where it has not.

    The factor of a bound that is a promise for a machine with time to spare, such as the end within 5 s of Ctrl-C.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


async def until(holds: Callable[[], Awaitable[bool]] | Callable[[], bool], *, within_s: float = PATIENCE_S) -> float:
    """Poll until `holds` is true and return the seconds that it took, up to 5 % or 0.1 s too many.

    Raises AssertionError after `within_s`.
    """
    started = time.monotonic()
    while True:
        held = holds()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - started
        waited = time.monotonic() - started
        assert waited < within_s, f"did not come true within {within_s} s"
        await asyncio.sleep(min(max(_POLL_SECONDS, waited / _POLLS_PER_WAIT), _MAX_POLL_SECONDS))
