"""Barbers open their payout account at Stripe."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.payouts.onboarding import PayoutOnboarding
from grome.payouts.repository import PayoutAccountRepository
from tests.builders.barbers import Barber, barber
from tests.builders.payouts import ONBOARDING, decide, onboard, start_onboarding, stripe_id_of
from tests.support.stripe import StripeControl


async def state(http: httpx.AsyncClient, shop: Barber) -> dict[str, object]:
    response = await http.get(ONBOARDING, headers=shop.auth)
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()
    return found


async def test_onboarding_from_the_first_link_to_the_allowed_payouts(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    assert (await state(http, shop))["status"] == "none"
    first, second = await start_onboarding(http, shop), await start_onboarding(http, shop)
    assert first.json()["url"] != second.json()["url"]
    told = await state(http, shop)
    assert (told["status"], told["payouts_allowed"], told["currency"]) == ("incomplete", False, "EUR")
    asked = told["requirements"]
    assert isinstance(asked, list)
    assert {one["name"] for one in asked} >= {
        "Your first name",
        "Your date of birth",
        "Your agreement to Stripe's terms",
    }
    await decide(container, control, shop, "complete")
    told = await state(http, shop)
    assert (told["status"], told["payouts_allowed"], told["requirements"]) == ("active", True, [])
    await decide(container, control, shop, "restrict")
    told = await state(http, shop)
    assert (told["status"], told["payouts_allowed"]) == ("restricted", False)


async def test_onboarding_after_a_lost_answer_opens_no_second_account(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    before = (await control.summary())["counts"].get("v2.core.account", 0)
    await control.break_calls("drop_reply_after", "POST", "/v2/core/accounts")
    answers = await asyncio.gather(*(start_onboarding(http, shop) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {200, 503}  # 503: another request is creating the account
    assert (await start_onboarding(http, shop)).status_code == 200
    assert (await control.summary())["counts"]["v2.core.account"] == before + 1
    assert await stripe_id_of(container, shop)


async def test_onboarding_with_prices_in_another_currency_is_refused(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container, currency="USD")
    refused = await start_onboarding(http, shop)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_currency")
    assert "USD" in refused.json()["detail"]
    assert "EUR" in refused.json()["detail"]


async def test_onboarding_in_another_country_opens_a_new_account_and_keeps_the_old_in_the_history(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    first = await onboard(http, container, control, shop)
    assert (await start_onboarding(http, shop, country="AT")).status_code == 200
    account = await container.get(PayoutAccountRepository).find(shop.person.id)
    assert account
    assert (account.country, [one.stripe_id for one in account.former]) == ("AT", [first])
    assert account.stripe_id != first
    assert not account.can_receive


async def test_onboarding_of_a_closed_account_opens_a_new_account(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    first = await onboard(http, container, control, shop)
    await decide(container, control, shop, "close")
    assert (await state(http, shop))["status"] == "closed"
    assert (await start_onboarding(http, shop)).status_code == 200
    assert await stripe_id_of(container, shop) != first


async def test_refusal_of_the_bank_is_a_requirement_until_the_bank_takes_money(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    stripe_id = await onboard(http, container, control, shop)
    onboarding, now = container.get(PayoutOnboarding), container.clock()
    await onboarding.bank_payout_failed(stripe_id, now)
    asked = (await state(http, shop))["requirements"]
    assert isinstance(asked, list)
    assert "bank refused" in asked[0]["name"]
    await onboarding.bank_payout_paid(stripe_id, now - timedelta(hours=1))  # an old notification changes nothing
    assert (await state(http, shop))["requirements"]
    await onboarding.bank_payout_paid(stripe_id, now + timedelta(hours=1))
    assert (await state(http, shop))["requirements"] == []


@pytest.mark.parametrize("country", ["de", "DEU", ""])
async def test_onboarding_with_an_unreadable_country_is_refused(
    http: httpx.AsyncClient, shop: Barber, country: str
) -> None:
    assert (await start_onboarding(http, shop, country=country)).status_code == 422
