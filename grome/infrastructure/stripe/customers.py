"""Customers at Stripe and their cards on file."""

from typing import TYPE_CHECKING
from uuid import UUID

from grome.infrastructure.stripe.calls import stripe_call
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.models import StripeCard, StripeSetup
from grome.infrastructure.stripe.objects import read_card, read_setup
from grome.infrastructure.stripe.pages import PAGE_SIZE, collect

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams


class StripeCustomers:
    """Calls about customers. A writing method takes the idempotency key of its attempt first."""

    def __init__(self, api: StripeApi) -> None:
        self.api = api

    @stripe_call("customers.create")
    async def create_customer(self, key: str, user_id: UUID, name: str, email: str | None) -> str:
        """Create a customer and return its id. Its metadata names the user."""
        params: CustomerCreateParams = {"name": name, "metadata": {"user_id": str(user_id)}}
        if email:
            params["email"] = email
        created = await self.api.client.v1.customers.create_async(params, {"idempotency_key": key})
        return created.id

    @stripe_call("customers.delete")
    async def delete_customer(self, customer_id: str) -> None:
        """Delete a customer with its name, email and cards. Payments stay."""
        await self.api.client.v1.customers.delete_async(customer_id)

    @stripe_call("customer_sessions.create")
    async def create_session(self, key: str, customer_id: str) -> str:
        """Return a client secret with which the mobile payment sheet lists, saves and removes the customer's cards."""
        created = await self.api.client.v1.customer_sessions.create_async(
            {
                "customer": customer_id,
                "components": {
                    "mobile_payment_element": {
                        "enabled": True,
                        "features": {
                            "payment_method_save": "enabled",
                            "payment_method_redisplay": "enabled",
                            "payment_method_remove": "enabled",
                        },
                    }
                },
            },
            {"idempotency_key": key},
        )
        return created.client_secret

    @stripe_call("setup_intents.create")
    async def create_setup(self, key: str, customer_id: str, metadata: dict[str, str]) -> StripeSetup:
        """Create an intent to save a card for charges while the customer is away."""
        created = await self.api.client.v1.setup_intents.create_async(
            {
                "customer": customer_id,
                "metadata": metadata,
                "usage": "off_session",
                "allowed_payment_method_types": ["card"],
            },
            {"idempotency_key": key},
        )
        return read_setup(created)

    @stripe_call("setup_intents.retrieve")
    async def get_setup(self, setup_id: str) -> StripeSetup:
        return read_setup(await self.api.client.v1.setup_intents.retrieve_async(setup_id))

    @stripe_call("setup_intents.cancel")
    async def cancel_setup(self, key: str, setup_id: str) -> StripeSetup:
        canceled = await self.api.client.v1.setup_intents.cancel_async(setup_id, {}, {"idempotency_key": key})
        return read_setup(canceled)

    async def list_cards(self, customer_id: str) -> list[StripeCard]:
        return await collect(lambda after: self._card_page(customer_id, after))

    @stripe_call("payment_methods.list")
    async def _card_page(self, customer_id: str, after: str | None) -> list[StripeCard]:
        page = await self.api.client.v1.payment_methods.list_async(
            {
                "customer": customer_id,
                "type": "card",
                "limit": PAGE_SIZE,
                **({"starting_after": after} if after else {}),
            }
        )
        return [read_card(item) for item in page.data]

    @stripe_call("payment_methods.retrieve")
    async def get_card(self, card_id: str) -> StripeCard:
        """Return a card. Its `customer_id` is None once it is detached. Raises StripeRejectedError if unknown."""
        return read_card(await self.api.client.v1.payment_methods.retrieve_async(card_id))

    @stripe_call("payment_methods.detach")
    async def detach_card(self, key: str, card_id: str) -> None:
        """Remove a card for good: it cannot be charged again."""
        await self.api.client.v1.payment_methods.detach_async(card_id, {}, {"idempotency_key": key})
