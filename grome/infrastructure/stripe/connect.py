"""Connected accounts of barbers, and transfers to them."""

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from grome.infrastructure.stripe.calls import stripe_call
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.models import StripeAccount, StripeTransfer
from grome.infrastructure.stripe.objects import read_account, read_transfer
from grome.infrastructure.stripe.pages import PAGE_SIZE, collect
from grome.infrastructure.stripe.requests import NewAccount, NewTransfer
from grome.infrastructure.stripe.units import to_stripe

if TYPE_CHECKING:
    from stripe.params.v2.core import AccountCreateParams, AccountLinkCreateParams

_ACCOUNT: Final[list[Literal["configuration.recipient", "defaults", "identity", "requirements"]]] = [
    "configuration.recipient",
    "defaults",
    "identity",
    "requirements",
]
_TRANSFER: Final = ["balance_transaction", "reversals.data.balance_transaction"]
_TRANSFERS: Final = [f"data.{field}" for field in _TRANSFER]


class StripeConnect:
    """Calls about money to barbers. A writing method takes the idempotency key of its attempt first."""

    def __init__(self, api: StripeApi) -> None:
        self.api = api

    @stripe_call("accounts.create")
    async def create_account(self, key: str, new: NewAccount) -> StripeAccount:
        """Create an account that can receive transfers once the barber has given Stripe the required information.

        The platform pays Stripe's fees and bears losses, since customers pay the platform.
        """
        params: AccountCreateParams = {
            "display_name": new.display_name,
            "dashboard": "express",
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "currency": new.currency.lower(),
                "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
            },
            "identity": {"country": new.country.lower(), "entity_type": "individual"},
            "include": [*_ACCOUNT],
            "metadata": new.metadata,
        }
        if new.email:
            params["contact_email"] = new.email
        return read_account(await self.api.client.v2.core.accounts.create_async(params, {"idempotency_key": key}))

    @stripe_call("accounts.retrieve")
    async def get_account(self, account_id: str) -> StripeAccount:
        found = await self.api.client.v2.core.accounts.retrieve_async(account_id, {"include": [*_ACCOUNT]})
        return read_account(found)

    @stripe_call("account_links.create")
    async def create_link(
        self, key: str, account_id: str, kind: Literal["onboarding", "update"], return_url: str, refresh_url: str
    ) -> str:
        """Return the address of Stripe's page on which the barber gives or changes information. It works once."""
        params: AccountLinkCreateParams = {"account": account_id, "use_case": {"type": f"account_{kind}"}}
        if kind == "onboarding":
            params["use_case"]["account_onboarding"] = {"return_url": return_url, "refresh_url": refresh_url}
        else:
            params["use_case"]["account_update"] = {"return_url": return_url, "refresh_url": refresh_url}
        return (await self.api.client.v2.core.account_links.create_async(params, {"idempotency_key": key})).url

    @stripe_call("transfers.create")
    async def create_transfer(self, key: str, new: NewTransfer) -> StripeTransfer:
        """Move money from the platform's balance. Raises StripeRejectedError with `balance_insufficient`."""
        created = await self.api.client.v1.transfers.create_async(
            {
                "amount": to_stripe(new.amount, new.currency),
                "currency": new.currency.lower(),
                "destination": new.destination,
                "transfer_group": new.transfer_group,
                "metadata": new.metadata,
                "expand": _TRANSFER,
            },
            {"idempotency_key": key},
        )
        return read_transfer(created)

    @stripe_call("transfers.retrieve")
    async def get_transfer(self, transfer_id: str) -> StripeTransfer:
        return read_transfer(await self.api.client.v1.transfers.retrieve_async(transfer_id, {"expand": _TRANSFER}))

    @stripe_call("transfers.reversals.create")
    async def reverse_transfer(self, key: str, transfer_id: str, amount: int, currency: str) -> None:
        """Take a transfer, or a part of it, back from the account's balance."""
        await self.api.client.v1.transfers.reversals.create_async(
            transfer_id, {"amount": to_stripe(amount, currency)}, {"idempotency_key": key}
        )

    async def list_transfers(self, since: datetime) -> list[StripeTransfer]:
        """List all transfers created since then, the newest first."""
        return await collect(lambda after: self._transfer_page(since, after))

    @stripe_call("transfers.list")
    async def _transfer_page(self, since: datetime, after: str | None) -> list[StripeTransfer]:
        page = await self.api.client.v1.transfers.list_async(
            {
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE_SIZE,
                "expand": _TRANSFERS,
                **({"starting_after": after} if after else {}),
            }
        )
        return [read_transfer(item) for item in page.data]
