"""The modules with routes, and the loops that run beside the server. Importing this module registers all routes."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from grome.dev.local_stripe import control, customers
from grome.dev.local_stripe.state import State

MODULES: Final = (control, customers)
# Coroutine functions that run as long as the server, e.g. the delivery of notifications.
BACKGROUND: Final[tuple[Callable[[State], Coroutine[Any, Any, None]], ...]] = ()
