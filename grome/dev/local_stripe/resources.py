"""The modules with routes, and the loops that run beside the server. Importing this module registers all routes."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from grome.dev.local_stripe import (
    authentication,
    charges,
    control,
    customers,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
from grome.dev.local_stripe.state import State

MODULES: Final = (
    authentication,
    charges,
    control,
    customers,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
# Coroutine functions that run as long as the server, e.g. the delivery of notifications.
BACKGROUND: Final[tuple[Callable[[State], Coroutine[Any, Any, None]], ...]] = ()
