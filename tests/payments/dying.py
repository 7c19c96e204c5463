"""Let a simulated process die before or after any call to Stripe, and after any write of a payment."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from config.settings import Settings
from grome.common.clock import Clock
from grome.composition import PROVIDERS
from grome.infrastructure.container import Container
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.payments import StripePayments
from grome.payments.repository import PaymentRepository
from grome.payments.updates import PaymentUpdater

T = TypeVar("T")
_GATEWAYS = (StripePayments, StripeCustomers, StripeConnect)
# The methods of the gateways that call Stripe, by name.
STRIPE_METHODS = frozenset(
    name
    for gateway in _GATEWAYS
    for name, found in vars(gateway).items()
    if iscoroutinefunction(found) and not name.startswith("_")
)
_MORTAL = (*_GATEWAYS, PaymentRepository, PaymentUpdater)


class Killed(BaseException):
    """The process has died at this point: no handler of errors runs."""


class Fuse:
    """Counts the points at which the process could die, and kills it at the chosen point."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._moment = ""
        self.kills = 0
        self.killed_at: set[str] = set()

    def light(self, points: int | None) -> None:
        """Die after `points` further points, or never with None."""
        self._left = points

    def kill_at_first(self, moment: str) -> None:
        """Die once at each method of Stripe's gateway, `before` or `after` its call."""
        self._moment = moment

    def reach(self, moment: str, method: str) -> None:
        """Die if a death is due at this point."""
        self._burn()
        if moment == self._moment and method not in self.killed_at and method in STRIPE_METHODS:
            self.killed_at.add(method)
            self.kills += 1
            raise Killed

    def _burn(self) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left < 0:
            self._left = None
            self.kills += 1
            raise Killed


class _Mortal:
    """Forwards to an object; the process may die before and after each of its calls."""

    def __init__(self, real: object, fuse: Fuse) -> None:
        self._real, self._fuse = real, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._call(found) if iscoroutinefunction(found) else found

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.reach("before", method.__name__)
            result = await method(*args, **kwargs)
            self._fuse.reach("after", method.__name__)
            return result

        return call


class MortalContainer(Container):
    """Holds the objects of a process that dies when its fuse has burnt down."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock, PROVIDERS)
        self.fuse = Fuse()
        self._mortals: dict[type[Any], Any] = {}
        self._has_api = False

    def get(self, kind: type[T]) -> T:
        if kind is StripeApi and not self._has_api:
            # The SDK's own retries would wait a second at each fault.
            self._has_api = True
            self._built[StripeApi] = StripeApi(self.settings.stripe, max_retries=0)
            self.close_with(self._built[StripeApi].close)
        if kind not in _MORTAL:
            return super().get(kind)
        if kind not in self._mortals:
            self._mortals[kind] = _Mortal(super().get(kind), self.fuse)
        mortal: T = self._mortals[kind]
        return mortal
