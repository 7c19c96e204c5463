"""The composition root: every client is opened and every service built here, for API and job workers alike.

Each file builds on the one before: `clients`, `people`, `visits`, `effects`.
"""

from typing import Final, Self

from sanic import Request

from config.settings import Settings
from grome.common.clock import Clock, system_clock
from grome.composition.effects import Effects

# The former two hear of changes from the beginning on; the latter two are where settings can be wrong.
_AT_ONCE: Final = ("verifier", "nearby", "storage", "transports")


class AppContext(Effects):
    """What a process works with. Clients connect at their first use, so a dependency that is away delays no start."""

    @classmethod
    async def open(cls, settings: Settings, clock: Clock = system_clock) -> Self:
        """Belongs into the process and the event loop that will use it: the clients hold sockets."""
        context = cls(settings, clock)
        for part in _AT_ONCE:
            getattr(context, part)
        return context


def app_context(request: Request) -> AppContext:
    context: AppContext = request.app.ctx.grome
    return context
