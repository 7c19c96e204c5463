"""The page of development that pays bookings with test cards, in a browser and at the local Stripe."""

from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import book, read, tomorrow
from tests.builders.people import PASSWORD, Person, register
from tests.support.app import serve_app
from tests.support.browser import browsers, start_browser
from tests.support.cdp import Page, open_page
from tests.support.http_client import http_client
from tests.support.stripe import StripeControl

SECURE_CARD, DECLINED_CARD = "4000002760003184", "4000000000000002"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Chromium only: Lightpanda cannot call the local Stripe, which is another origin than the page."""
    if "chromium" not in browsers():
        pytest.skip("there is no Chromium on this machine")
    with start_browser("chromium", tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        yield page


async def test_pay_demo_in_a_browser_pays_a_deposit_and_authorizes_a_visit_by_3d_secure(
    http: httpx.AsyncClient, container: Container, control: StripeControl, page: Page
) -> None:
    customer = await register(http)
    shop = await barber(http, container, terms={"deposit": {"percent": 25}})
    booking = await book(http, customer, shop, tomorrow(10))
    await sign_in(page, http, customer)

    await choose(page, DECLINED_CARD)
    await page.click(button("deposit"))
    await page.wait_for_text("Stripe: Your card was declined")
    await page.wait_for_text("Grome: deposit is failed")
    await page.wait_for("document.querySelector('#visits .bad')")
    await choose(page, "4242424242424242")
    await page.click(button("deposit"))
    await page.wait_for_text("Grome: deposit is paid")
    await page.wait_for(f"!{button('deposit')}")

    await choose(page, SECURE_CARD)
    await page.click(button("visit"))
    await page.wait_for_text("The bank asks for a confirmation")
    bank = await page.evaluate("[...document.links].find(link => link.target == 'bank').href")
    await control.authenticate(bank.rpartition("/")[2])
    await page.wait_for_text("Grome: visit is authorized")
    await page.wait_for(f"!{button('visit')}")

    assert not [complaint for complaint in page.complaints if "402" not in complaint]
    payment = (await read(http, customer.auth, booking))["payment"]
    assert (payment["paid"], payment["pay_by"]) == (payment["deposit"], None)


async def test_pay_demo_is_not_there_in_production_or_without_the_local_stripe(settings: Settings) -> None:
    real = msgspec.structs.replace(settings, stripe=msgspec.structs.replace(settings.stripe, url=""))
    for changed in (msgspec.structs.replace(settings, env="production"), real):
        async with serve_app(changed) as application, http_client(application.ctx.base_url) as http:
            assert (await http.get("/pay-demo")).status_code == 404


async def sign_in(page: Page, http: httpx.AsyncClient, customer: Person) -> None:
    await page.go(f"{http.base_url}/pay-demo")
    await page.type("input[name=email]", customer.email)
    await page.type("input[name=password]", PASSWORD)
    await page.click("document.querySelector('#sign-in button')")


async def choose(page: Page, card: str) -> None:
    await page.evaluate(f"document.querySelector('[name=card]').value = '{card}'")


def button(purpose: str) -> str:
    return f"[...document.querySelectorAll('#visits button')].find(it => it.textContent == '{purpose}')"
