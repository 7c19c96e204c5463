"""Run an own account on the account page, in a real browser with a virtual authenticator."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.account_page.qr_reader import read_qr
from tests.builders.codes import code_sent_to
from tests.builders.people import PASSWORD, Person, new_email, new_phone, register, sign_in_again
from tests.conftest import AdjustableClock
from tests.support.browser import browsers, start_browser
from tests.support.cdp import Page, open_page

PHONE = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Chromium only: Lightpanda has no passkeys, and paints nothing that could be clicked."""
    if "chromium" not in browsers():
        pytest.skip("there is no Chromium on this machine")
    with start_browser("chromium", tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def page(browser: str, settings: Settings) -> AsyncIterator[Page]:
    """The page, without a sign-in; at the end nothing may have been complained about except refused requests."""
    async with open_page(browser) as opened:
        await opened.send("WebAuthn.enable")
        await opened.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        await opened.go(f"{settings.http.api_base}/account")
        await opened.evaluate("sessionStorage.clear()")
        await opened.go(f"{settings.http.api_base}/account")
        await opened.wait_for(shown("#sign-in"))
        yield opened
        assert [said for said in opened.complaints if "Failed to load resource" not in said] == []


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await register(http, name="Zoë Martin")


async def sign_in(page: Page, person: Person, password: str = PASSWORD) -> None:
    await fill(page, "#sign-in-address", person.email)
    await fill(page, "#sign-in-password", password)
    await press(page, "#sign-in button")


async def sign_out(page: Page) -> None:
    await press(page, "#sign-out")
    await page.wait_for(shown("#sign-in"))


async def status_of_sign_in(http: httpx.AsyncClient, email: str) -> int:
    """Return the status of a sign-in with the first password."""
    return (await http.post("/v1/auth/login", json={"email": email, "password": PASSWORD})).status_code


async def test_wrong_password_is_told_in_words_and_the_right_one_signs_in(page: Page, person: Person) -> None:
    await press(page, "#sign-in button")
    await page.wait_for_text("Please fill in this field.")
    await sign_in(page, person, "wrong")
    await page.wait_for("document.querySelector('#sign-in [role=alert]').textContent")
    await sign_in(page, person)
    await page.wait_for(shown("#signed-in"))
    await page.wait_for_text(person.email)
    await page.send("Page.reload")
    await page.wait_for(shown("#signed-in"))
    await sign_out(page)
    assert await page.evaluate("sessionStorage.length") == 0


async def test_signed_out_page_holds_nothing_of_the_person(page: Page, person: Person) -> None:
    await sign_in(page, person)
    await page.wait_for_text(person.email)
    stored = await page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    assert person.email not in stored
    await sign_out(page)
    fields = "[...document.querySelectorAll('input')].map(it => it.value).join()"
    left = await page.evaluate(f"document.documentElement.innerHTML + {fields} + JSON.stringify({{...sessionStorage}})")
    for value in (person.email, "Zoë Martin", person.refresh_token, "Account page"):
        assert value not in left
    assert await page.evaluate("Object.keys(localStorage)") == ["grome.account.device"]


async def test_session_of_another_device_is_listed_and_ended(
    http: httpx.AsyncClient, page: Page, person: Person
) -> None:
    other = await sign_in_again(http, person)
    await sign_in(page, person)
    await page.wait_for_text("This device")
    await page.wait_for("document.querySelectorAll('#sessions li').length == 3")
    await press(page, "#sessions .danger")
    await page.wait_for_text("The session has ended.")
    await page.wait_for("document.querySelectorAll('#sessions li').length == 2")
    await press(page, "#end-others")
    await page.wait_for_text("All other sessions have ended.")
    for ended in (person, other):
        assert (await http.get("/v1/me", headers=ended.auth)).status_code == 401


async def test_passkey_is_added_signs_in_and_is_removed(http: httpx.AsyncClient, page: Page, person: Person) -> None:
    await sign_in(page, person)
    await fill(page, "#add-passkey-name", "My laptop")
    await press(page, "#add-passkey button")
    await page.wait_for("document.querySelectorAll('#codes li').length == 10")
    await press(page, "#hide-codes")
    assert await page.evaluate("document.querySelectorAll('#codes li').length") == 0
    assert (await http.get("/v1/me", headers=person.auth)).status_code == 401  # the session elsewhere has ended

    await sign_out(page)
    await press(page, "#passkey-sign-in")
    await page.wait_for(shown("#signed-in"))
    await page.wait_for_text("My laptop")
    await press(page, "#passkeys button:not(.danger)")
    await fill(page, "#passkeys form input", "Old laptop")
    await press(page, "#passkeys form button")
    await page.wait_for("document.querySelector('#passkeys strong')?.textContent == 'Old laptop'")
    await press(page, "#passkeys .danger")
    await page.wait_for_text("The passkey is removed.")
    assert await page.evaluate("document.querySelectorAll('#passkeys li').length") == 0


async def test_passkey_completes_a_sign_in_with_a_password(page: Page, person: Person) -> None:
    await sign_in(page, person)
    await fill(page, "#add-passkey-name", "My laptop")
    await press(page, "#add-passkey button")
    await page.wait_for(shown("#codes"))
    await sign_out(page)
    await sign_in(page, person)
    await press(page, "#second-passkey")
    await page.wait_for(shown("#signed-in"))
    await page.wait_for_text("My laptop")
    assert await page.evaluate("document.querySelectorAll('#passkeys li').length") == 1


async def test_authenticator_app_is_set_up_by_its_qr_code_and_asked_for(
    page: Page, person: Person, clock: AdjustableClock
) -> None:
    await sign_in(page, person)
    await press(page, "#totp [data-action=add]")
    await page.wait_for(shown("#qr svg"))
    url = read_qr(await drawn_code(page))
    assert url == await page.evaluate("document.querySelector('#otpauth').href")
    totp = pyotp.parse_uri(url)
    assert isinstance(totp, pyotp.TOTP)
    await fill(page, "#confirm-totp-code", totp.at(clock()))
    await press(page, "#confirm-totp button")
    await page.wait_for("document.querySelectorAll('#codes li').length == 10")
    recovery_code = await page.evaluate("document.querySelector('#codes li').textContent")
    await sign_out(page)

    await sign_in(page, person)
    await fill(page, "#second-step-totp", "000000")
    await press(page, "#second-step button")
    await page.wait_for("document.querySelector('#second-step [role=alert]').textContent")
    clock.shift += timedelta(seconds=30)  # each code is valid once
    await fill(page, "#second-step-totp", totp.at(clock()))
    await press(page, "#second-step button")
    await page.wait_for(shown("#signed-in"))
    await sign_out(page)

    await sign_in(page, person)
    await press(page, "#other-proof")
    await fill(page, "#second-step-recovery_code", recovery_code)
    await press(page, "#second-step button")
    await page.wait_for(shown("#signed-in"))
    await page.wait_for_text("9 left")


async def test_old_proof_of_identity_is_renewed_in_a_dialog(page: Page, person: Person, clock: AdjustableClock) -> None:
    await sign_in(page, person)
    await page.wait_for(shown("#signed-in"))
    clock.shift = timedelta(minutes=11)
    await press(page, "#totp [data-action=add]")
    await page.wait_for(shown("dialog[open]"))
    await press(page, "dialog [data-cancel]")
    await page.wait_for("document.querySelector('#totp > .fault').textContent")
    await press(page, "#totp [data-action=add]")
    await fill(page, "#step-up-password", PASSWORD)
    await press(page, "#step-up-form button")
    await page.wait_for(shown("#qr svg"))
    assert read_qr(await drawn_code(page)).startswith("otpauth://totp/")


async def test_email_is_changed_by_a_code_to_the_new_address(
    http: httpx.AsyncClient, page: Page, person: Person, container: Container
) -> None:
    await sign_in(page, person)
    await press(page, "#email [data-action=change]")
    address = new_email()
    await fill(page, "#change-email-email", address)
    await fill(page, "#change-email-password", "wrong")
    await press(page, "#change-email button")
    await page.wait_for("document.querySelector('#change-email .fault:not(:empty)')")
    await fill(page, "#change-email-password", PASSWORD)
    await press(page, "#change-email button")
    await page.wait_for(shown("#confirm-email"))
    await fill(page, "#confirm-email-code", await code_sent_to(container, address))
    await press(page, "#confirm-email button")
    await page.wait_for_text("Your email is confirmed.")
    await page.wait_for_text(address)
    assert [await status_of_sign_in(http, email) for email in (address, person.email)] == [200, 401]


async def test_name_and_password_are_changed_and_other_sessions_end(
    http: httpx.AsyncClient, page: Page, person: Person
) -> None:
    await sign_in(page, person)
    await fill(page, "#profile-name", "Zoë Petit")
    await press(page, "#profile button")
    await page.wait_for_text("Saved.")
    assert (await http.get("/v1/me", headers=person.auth)).json()["name"] == "Zoë Petit"
    await fill(page, "#password-current", PASSWORD)
    await fill(page, "#password-new", "password")
    await press(page, "#password button")
    await page.wait_for("document.querySelector('#password .fault:not(:empty)')")
    await fill(page, "#password-new", "horse staple 7 lanterns")
    await press(page, "#password button")
    await page.wait_for_text("Your new password is set.")
    await page.wait_for("document.querySelectorAll('#sessions li').length == 1")
    assert (await http.get("/v1/me", headers=person.auth)).status_code == 401


async def test_forgotten_password_is_replaced_by_a_code(
    http: httpx.AsyncClient, page: Page, person: Person, container: Container
) -> None:
    await press(page, "[data-show=forgot]")
    await fill(page, "#forgot-address", person.email)
    await press(page, "#forgot button")
    await page.wait_for(shown("#reset"))
    await fill(page, "#reset-code", await code_sent_to(container, person.email))
    await fill(page, "#reset-password", "horse staple 7 lanterns")
    await press(page, "#reset button")
    await page.wait_for_text("Your new password is set.")
    await sign_in(page, person, "horse staple 7 lanterns")
    await page.wait_for(shown("#signed-in"))
    assert await status_of_sign_in(http, person.email) == 401


async def test_phone_only_account_signs_in_with_a_code(
    http: httpx.AsyncClient, page: Page, container: Container
) -> None:
    phone = new_phone()
    registered = await http.post("/v1/auth/register", json={"phone": phone, "password": PASSWORD, "name": "Zoë"})
    auth = {"Authorization": f"Bearer {registered.json()['access_token']}"}
    await http.post("/v1/me/phone/verify", headers=auth)
    await http.post("/v1/me/phone/confirm", json={"code": await code_sent_to(container, phone)}, headers=auth)
    await press(page, "[data-show=ask-code]")
    await fill(page, "#ask-code-phone", phone)
    await press(page, "#ask-code button")
    await page.wait_for(shown("#code-sign-in"))
    await fill(page, "#code-sign-in-code", await code_sent_to(container, phone))
    await press(page, "#code-sign-in button")
    await page.wait_for(shown("#signed-in"))
    assert len((await http.get("/v1/me/sessions", headers=auth)).json()["items"]) == 2


async def test_archive_is_requested_and_account_is_deleted(http: httpx.AsyncClient, page: Page, person: Person) -> None:
    await sign_in(page, person)
    await press(page, "#request-export")
    await page.wait_for_text("Your archive is being made.")
    await page.wait_for_text("Being made")
    await fill(page, "#delete-password", PASSWORD)
    await press(page, "#delete button")
    await page.wait_for("document.querySelector('#delete .fault:not(:empty)')")
    await press(page, "#delete [name=sure]")
    await press(page, "#delete button")
    await page.wait_for_text("Your account is deleted")
    await page.wait_for("document.querySelectorAll('#deleted .kept li').length")
    assert await status_of_sign_in(http, person.email) == 401


async def test_page_on_a_phone_fits_and_names_every_control(page: Page, person: Person) -> None:
    await page.send("Emulation.setDeviceMetricsOverride", **PHONE)
    for ready in ("#sign-in", "#signed-in"):
        await page.wait_for(shown(ready))
        width = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1]
        if ready == "#sign-in":
            await sign_in(page, person)
    unnamed = "[...document.querySelectorAll('main input:not([aria-hidden]), select, dialog input')]"
    assert await page.evaluate(f"{unnamed}.filter(it => !it.labels.length && !it.ariaLabel).map(it => it.name)") == []
    assert await page.evaluate("[...document.querySelectorAll('button')].filter(it => !it.textContent.trim())") == []
    described = "[...document.querySelectorAll('[aria-describedby]')].flatMap(it => it.getAttribute('aria-describedby')"
    assert await page.evaluate(f"{described}.split(' ')).filter(id => !document.getElementById(id))") == []


def shown(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})?.checkVisibility()"


async def fill(page: Page, selector: str, text: str) -> None:
    """Type into a field that is shown, in the place of its text."""
    await page.wait_for(shown(selector))
    await page.evaluate(f"document.querySelector({json.dumps(selector)}).value = ''")
    await page.type(selector, text)


async def press(page: Page, selector: str) -> None:
    """Click at a button as soon as it is shown and takes clicks."""
    await page.wait_for(f"{shown(selector)} && !document.querySelector({json.dumps(selector)}).disabled")
    await page.click(f"document.querySelector({json.dumps(selector)})")


async def drawn_code(page: Page) -> list[list[bool]]:
    """Return the modules of the drawn code, true for dark."""
    image: dict[str, Any] = await page.evaluate(
        "(() => { const it = document.querySelector('#qr svg'); return {size: it.viewBox.baseVal.width - 4,"
        " path: it.querySelector('path').getAttribute('d')} })()"
    )
    dark = {tuple(map(int, part.split("h")[0].split())) for part in image["path"].split("M")[1:]}
    return [[(x, y) in dark for x in range(image["size"])] for y in range(image["size"])]
