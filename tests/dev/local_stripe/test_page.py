"""The page of the local Stripe, and its buttons."""

import httpx
import stripe

from tests.dev.local_stripe.connected import create_active_account, top_up
from tests.support.stripe import LocalStripe, StripeControl


async def test_page_shows_objects_with_links_and_the_state_of_delivery(
    server: LocalStripe, api: stripe.StripeClient, control: StripeControl
) -> None:
    account_id = await create_active_account(api, control)
    await top_up(control, 123_400)
    made = await api.v1.transfers.create_async({"amount": 5_000, "currency": "eur", "destination": account_id})
    async with httpx.AsyncClient(base_url=server.url) as browser:
        shown = (await browser.get("/")).text
        assert "50.00 EUR" in shown
        assert f'href="/objects/{made.id}"' in shown
        assert "v1.transfer.created" in shown
        assert "no webhook" in shown
        details = (await browser.get(f"/objects/{made.id}")).text
        assert f'<a href="/objects/{account_id}">' in details
        assert (await browser.get("/objects/unknown")).status_code == 404


async def test_page_escapes_names(server: LocalStripe, api: stripe.StripeClient) -> None:
    created = await api.v2.core.accounts.create_async({"display_name": '<script>"x"</script>'})
    async with httpx.AsyncClient(base_url=server.url) as browser:
        assert "<script>" not in (await browser.get("/")).text
        assert "<script>" not in (await browser.get(f"/objects/{created.id}")).text


async def test_clock_button_advances_the_clock_by_days(server: LocalStripe, control: StripeControl) -> None:
    before = (await control.summary())["now"]
    async with httpx.AsyncClient(base_url=server.url) as browser:
        answer = await browser.post("/page/clock", data={"days": "7"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await control.summary())["now"] >= before + 7 * 86_400
