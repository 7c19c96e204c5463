"""Mark, list, count and bound the calls to Stripe."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from loguru import logger

from grome.infrastructure.figures import count
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.sdk_errors import final_error
from grome.infrastructure.tracing.spans import child_span

# The names of all marked methods, e.g. `payment_intents.create`, complete once the gateway's modules are imported.
STRIPE_CALLS: Final[list[str]] = []


class _Gateway(Protocol):
    api: StripeApi


G = TypeVar("G", bound=_Gateway)
P = ParamSpec("P")
R = TypeVar("R")
_Method = Callable[Concatenate[G, P], Coroutine[Any, Any, R]]


def stripe_call(name: str) -> Callable[[_Method[G, P, R]], _Method[G, P, R]]:
    """Mark a method that calls Stripe once.

    The call is counted, ends within the time bound including its retries, and raises only the errors of `errors.py`.
    """
    STRIPE_CALLS.append(name)

    def decorate(method: _Method[G, P, R]) -> _Method[G, P, R]:
        @wraps(method)
        async def call(self: G, /, *args: P.args, **kwargs: P.kwargs) -> R:
            started = time.perf_counter()
            outcome = "ok"
            try:
                with child_span(f"stripe {name}", kind="client"):
                    return await _bounded(self.api, name, method(self, *args, **kwargs))
            except StripeDeclinedError:
                outcome = "declined"
                raise
            except StripeRejectedError as error:
                outcome = "rejected"
                logger.warning("Stripe rejects {}: {}", name, error)
                raise
            except StripeUnsureError as error:
                outcome = "unsure"
                logger.warning("Stripe gives no final answer to {}: {}", name, error)
                raise
            except BaseException:
                outcome = "broken"
                raise
            finally:
                count("stripe_calls", name, outcome)
                count("stripe_call_ms", name, by=round(1000 * (time.perf_counter() - started)))

        return call

    return decorate


async def _bounded(api: StripeApi, name: str, call: Coroutine[Any, Any, R]) -> R:
    try:
        async with asyncio.timeout(api.bound_s):
            return await call
    except TimeoutError as error:
        raise StripeUnsureError(f"no answer to {name} in {api.bound_s:g} s") from error
    except Exception as error:
        if final := final_error(error):
            raise final from error
        raise
