"""Connected accounts of the local Stripe: creation, onboarding, restriction, closing."""

import httpx
import pytest
import stripe

from tests.dev.local_stripe.connected import create_account, get_account, transfers_of
from tests.support.stripe import StripeControl

RETURN = "https://grome.example/return"
REFRESH = "https://grome.example/refresh"


async def create_link(client: stripe.StripeClient, account_id: str) -> str:
    link = await client.v2.core.account_links.create_async(
        {
            "account": account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"return_url": RETURN, "refresh_url": REFRESH},
            },
        }
    )
    return link.url


async def events_about(client: stripe.StripeClient, object_id: str) -> list[str]:
    return [event.type for event in (await client.v2.core.events.list_async({"object_id": object_id})).data]


async def test_new_account_waits_for_its_requirements(api: stripe.StripeClient) -> None:
    account = await get_account(api, await create_account(api))
    assert transfers_of(account) == "pending"
    assert {entry["minimum_deadline"]["status"] for entry in account["requirements"]["entries"]} == {"currently_due"}
    assert account["identity"]["country"] == "de"


async def test_parts_of_an_account_are_shown_only_if_included(api: stripe.StripeClient) -> None:
    shown = (await api.v2.core.accounts.retrieve_async(await create_account(api))).to_dict()
    assert (shown["configuration"], shown["requirements"], shown["identity"]) == (None, None, None)


async def test_completed_form_activates_transfers_and_returns(api: stripe.StripeClient) -> None:
    account_id = await create_account(api)
    url = await create_link(api, account_id)
    async with httpx.AsyncClient() as browser:
        assert "given_name" in (await browser.get(url)).text
        answer = await browser.post(url, data={"outcome": "complete", "bank": "000123456789"})
        assert (answer.status_code, answer.headers["location"]) == (303, RETURN)
        again = await browser.get(url)
        assert (again.status_code, again.headers["location"]) == (303, REFRESH)
    account = await get_account(api, account_id)
    assert (transfers_of(account), account["requirements"]["entries"]) == ("active", [])
    assert set(await events_about(api, account_id)) == {
        "v2.core.account.created",
        "v2.core.account.updated",
        "v2.core.account[requirements].updated",
        "v2.core.account[configuration.recipient].capability_status_updated",
    }


async def test_form_left_incomplete_changes_nothing(api: stripe.StripeClient) -> None:
    account_id = await create_account(api)
    async with httpx.AsyncClient() as browser:
        answer = await browser.post(await create_link(api, account_id), data={"outcome": "incomplete"})
    assert answer.headers["location"] == RETURN
    assert transfers_of(await get_account(api, account_id)) == "pending"


async def test_expired_link_leads_to_the_address_for_a_new_one(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    url = await create_link(api, await create_account(api))
    await control.advance(3_600)
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(url)).headers["location"] == REFRESH


async def test_restricted_account_has_a_requirement_past_due(api: stripe.StripeClient, control: StripeControl) -> None:
    account_id = await create_account(api)
    await control.call("POST", f"accounts/{account_id}", {"outcome": "restrict"})
    account = await get_account(api, account_id)
    assert transfers_of(account) == "restricted"
    assert account["requirements"]["summary"]["minimum_deadline"]["status"] == "past_due"


async def test_closed_account_is_listed_among_the_closed_and_gets_no_link(api: stripe.StripeClient) -> None:
    account_id = await create_account(api)
    assert (await api.v2.core.accounts.close_async(account_id)).closed
    assert account_id in [account.id for account in (await api.v2.core.accounts.list_async({"closed": True})).data]
    assert account_id not in [account.id for account in (await api.v2.core.accounts.list_async()).data]
    with pytest.raises(stripe.InvalidRequestError):
        await create_link(api, account_id)
    assert "v2.core.account.closed" in await events_about(api, account_id)
