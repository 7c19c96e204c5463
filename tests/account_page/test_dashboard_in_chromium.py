"""Sign in to the jobs dashboard with a passkey that was made on the account page, in a real browser."""

import httpx

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.account_page.test_in_chromium import browser, fill, page, press, sign_in
from tests.builders.people import PASSWORD, create_admin
from tests.support.cdp import Page

__all__ = ["browser", "page"]


async def test_admin_signs_in_to_the_dashboard_with_a_passkey(
    http: httpx.AsyncClient, container: Container, settings: Settings, page: Page
) -> None:
    admin = await create_admin(http, container)
    await sign_in(page, admin)
    await fill(page, "#add-passkey-name", "My laptop")
    await press(page, "#add-passkey button")
    await page.wait_for("document.querySelectorAll('#codes li').length == 10")

    await page.go(f"{settings.http.api_base}/jobs/login")
    await fill(page, "input[name=email]", admin.email)
    await fill(page, "input[name=password]", PASSWORD)
    await press(page, "form button")
    await page.wait_for_text("Use a passkey")
    await press(page, "#passkey button")
    await page.wait_for_text("Sign out")
    assert await page.evaluate("location.pathname") == "/jobs/"
