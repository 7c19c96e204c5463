"""Steps that tests of connected accounts share."""

from typing import Any

import stripe

from tests.support.stripe import StripeControl


async def create_account(client: stripe.StripeClient) -> str:
    created = await client.v2.core.accounts.create_async(
        {
            "display_name": "Barber",
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {"currency": "eur"},
            "identity": {"country": "de", "entity_type": "individual"},
        }
    )
    return created.id


async def create_active_account(client: stripe.StripeClient, control: StripeControl, **decision: str) -> str:
    account_id = await create_account(client)
    await control.call("POST", f"accounts/{account_id}", {"outcome": "complete", **decision})
    return account_id


async def get_account(client: stripe.StripeClient, account_id: str) -> dict[str, Any]:
    found = await client.v2.core.accounts.retrieve_async(
        account_id, {"include": ["configuration.recipient", "requirements", "identity", "defaults"]}
    )
    shown: dict[str, Any] = found.to_dict()
    return shown


def transfers_of(account: dict[str, Any]) -> str:
    status: str = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]["status"]
    return status


async def top_up(control: StripeControl, amount: int, currency: str = "eur") -> None:
    await control.call("POST", "balance", {"amount": amount, "currency": currency})
