"""The modules with routes, and the loops that run beside the server. Importing this module registers all routes."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from grome.dev.local_stripe import (
    accounts,
    authentication,
    charges,
    control,
    customers,
    delivery_control,
    disputes,
    event_routes,
    onboarding,
    pages,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    transfers,
)
from grome.dev.local_stripe.deliveries import start_sending
from grome.dev.local_stripe.state import State

MODULES: Final = (
    accounts,
    authentication,
    charges,
    control,
    customers,
    delivery_control,
    disputes,
    event_routes,
    onboarding,
    pages,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    transfers,
)
# Coroutine functions that run as long as the server, e.g. the delivery of notifications.
BACKGROUND: Final[tuple[Callable[[State], Coroutine[Any, Any, None]], ...]] = (start_sending,)
