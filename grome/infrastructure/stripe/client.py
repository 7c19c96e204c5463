"""Open Stripe's SDK at the first call; importing it costs 9 MiB, which processes without payments do not pay."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from config.sections.money import StripeSettings
from grome.infrastructure.stripe.errors import StripeUnsureError

if TYPE_CHECKING:
    from stripe import HTTPXClient, StripeClient

MAX_RETRIES: Final = 2
# The bound of a call including its retries, as a multiple of the time-out of one try. It must stay below the time in
# which an HTTP request is answered (RESPONSE_TIMEOUT).
_BOUND_FACTOR: Final = 2.5


class StripeApi:
    """The SDK's client of one event loop; it repeats a call without a final answer `max_retries` times."""

    def __init__(self, settings: StripeSettings, max_retries: int = MAX_RETRIES) -> None:
        self._settings, self._max_retries = settings, max_retries
        self._http: HTTPXClient | None = None

    @property
    def bound_s(self) -> float:
        """Return the seconds after which a call has ended, retries included."""
        return self._settings.timeout_s * _BOUND_FACTOR

    @cached_property
    def client(self) -> "StripeClient":
        """Return the client, opened at the first use. Raises StripeUnsureError while no secret key is set."""
        import stripe  # noqa: PLC0415 -- see above

        settings = self._settings
        if not settings.secret_key:
            raise StripeUnsureError("no secret key is set")
        self._http = stripe.HTTPXClient(timeout=settings.timeout_s)
        address = settings.url.rstrip("/")
        return stripe.StripeClient(
            settings.secret_key,
            http_client=self._http,
            max_network_retries=self._max_retries,
            base_addresses={"api": address, "connect": address, "files": address, "meter_events": address}
            if address
            else None,
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call]
