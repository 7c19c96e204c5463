"""The past at Stripe, for reconciliation: events, movements of the balance, and the balance itself."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, cast

from grome.infrastructure.stripe.calls import stripe_call
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.errors import StripeRejectedError
from grome.infrastructure.stripe.models import BalanceLine, StripeNotification
from grome.infrastructure.stripe.objects import EventPage, read_balance, read_balance_line, read_event_page
from grome.infrastructure.stripe.pages import PAGE_SIZE, iterate

_NOT_FOUND: Final = 404


class StripeHistory:
    def __init__(self, api: StripeApi) -> None:
        self.api = api

    async def list_events(self, since: datetime) -> AsyncIterator[StripeNotification]:
        """Stream the events since then, in no particular order. Stripe keeps them for 30 days."""
        page = await self._first_events(since)
        while True:
            for event in page.events:
                yield event
            if page.next_url is None:
                return
            page = await self._next_events(page.next_url)

    @stripe_call("events.list")
    async def _first_events(self, since: datetime) -> EventPage:
        page = await self.api.client.v2.core.events.list_async(
            {"created": {"gte": since.isoformat().replace("+00:00", "Z")}, "limit": PAGE_SIZE}
        )
        return read_event_page(page.to_dict())

    @stripe_call("events.list_next")
    async def _next_events(self, url: str) -> EventPage:
        answer = await self.api.client.raw_request_async("get", url)
        return read_event_page(cast("dict[str, object]", answer.data))

    async def list_balance_lines(self, since: datetime) -> AsyncIterator[BalanceLine]:
        """Stream the movements of the platform's balance since then, the newest first."""
        async for line in iterate(lambda after: self._balance_page(since, after)):
            yield line

    @stripe_call("balance_transactions.list")
    async def _balance_page(self, since: datetime, after: str | None) -> list[BalanceLine]:
        page = await self.api.client.v1.balance_transactions.list_async(
            {
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE_SIZE,
                **({"starting_after": after} if after else {}),
            }
        )
        return [read_balance_line(item) for item in page.data]

    async def find_balance_line(self, line_id: str) -> BalanceLine | None:
        """Return a movement of the platform's balance; None if Stripe does not know it."""
        try:
            return await self._get_balance_line(line_id)
        except StripeRejectedError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    @stripe_call("balance_transactions.retrieve")
    async def _get_balance_line(self, line_id: str) -> BalanceLine:
        return read_balance_line(await self.api.client.v1.balance_transactions.retrieve_async(line_id))

    @stripe_call("balance.retrieve")
    async def get_balance(self) -> dict[str, int]:
        """Return the platform's balance by currency in ISO minor units, with the money that is not available yet."""
        return read_balance(await self.api.client.v1.balance.retrieve_async())
