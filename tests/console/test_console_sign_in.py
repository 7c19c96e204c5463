"""The second step of a sign-in to the dashboard, as a form."""

import re
from datetime import datetime
from html import unescape

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.factors import STEP, add_app, add_passkey
from tests.builders.people import PASSWORD, Person, create_admin, register
from tests.conftest import AdjustableClock
from tests.support.app import serve_app
from tests.support.http_client import http_client

HOME, SECOND_STEP = "/jobs/", "/jobs/login/second-step"


@pytest.fixture
def now(clock: AdjustableClock) -> datetime:
    clock.stopped = clock()
    return clock.stopped


async def first_step(http: httpx.AsyncClient, person: Person) -> dict[str, str]:
    """Send email and password, and return the hidden fields of the form for the second step."""
    page = await http.post("/jobs/login", data={"email": person.email, "password": PASSWORD})
    assert page.status_code == 401, page.text
    assert "set-cookie" not in page.headers
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def has_signed_in(response: httpx.Response) -> bool:
    return response.status_code == 303 and "grome_jobs_access" in response.headers.get("set-cookie", "")


async def test_admin_with_an_app_signs_in_to_the_dashboard_by_its_code(
    http: httpx.AsyncClient, container: Container, now: datetime
) -> None:
    app = await add_app(http, await create_admin(http, container), now)
    form = await first_step(http, app.person)
    wrong = await http.post(SECOND_STEP, data={**form, "code": "000000"})
    assert wrong.status_code == 401
    assert 'role="alert"' in wrong.text
    assert form["challenge"] in wrong.text
    assert has_signed_in(await http.post(SECOND_STEP, data={**form, "code": app.code(now + STEP)}))
    assert (await http.get(HOME)).status_code == 200


async def test_admin_signs_in_to_the_dashboard_by_a_recovery_code(
    http: httpx.AsyncClient, container: Container, now: datetime
) -> None:
    app = await add_app(http, await create_admin(http, container), now)
    form = await first_step(http, app.person)
    assert has_signed_in(await http.post(SECOND_STEP, data={**form, "code": app.recovery_codes[0]}))


async def test_admin_signs_in_to_the_dashboard_by_a_passkey(http: httpx.AsyncClient, container: Container) -> None:
    admin = await create_admin(http, container)
    authenticator, _ = await add_passkey(http, admin)
    page = await http.post("/jobs/login", data={"email": admin.email, "password": PASSWORD})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found
    credential = authenticator.get(msgspec.json.decode(unescape(found[1])))
    form = {**fields, "credential": msgspec.json.encode(credential).decode()}
    assert not has_signed_in(await http.post(SECOND_STEP, data={**form, "credential": "{"}))
    page = await http.post(SECOND_STEP, data={**fields, "code": "not a code"})
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found
    credential = authenticator.get(msgspec.json.decode(unescape(found[1])))
    form = {**fields, "credential": msgspec.json.encode(credential).decode()}
    assert has_signed_in(await http.post(SECOND_STEP, data=form))


async def test_customer_with_a_factor_does_not_sign_in_to_the_dashboard(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    form = await first_step(http, app.person)
    refused = await http.post(SECOND_STEP, data={**form, "code": app.code(now + STEP)})
    assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)


async def test_second_step_without_a_challenge_shows_the_login(http: httpx.AsyncClient) -> None:
    refused = await http.post(SECOND_STEP, data={"code": "123456"})
    assert (refused.status_code, 'name="password"' in refused.text) == (401, True)


async def test_admin_without_a_required_factor_stays_out_of_the_dashboard(
    settings: Settings, http: httpx.AsyncClient, container: Container, now: datetime
) -> None:
    accounts = msgspec.structs.replace(settings.accounts, require_second_factor=True)
    admin = await create_admin(http, container)
    await http.post("/jobs/login", data={"email": admin.email, "password": PASSWORD})
    assert (await http.get(HOME)).status_code == 200
    strict_settings = msgspec.structs.replace(settings, accounts=accounts)
    async with serve_app(strict_settings, container.clock) as strict, http_client(strict.ctx.base_url) as client:
        client.cookies = http.cookies
        assert (await client.get(HOME)).status_code == 303, "a session without a factor is not enough"
        refused = await client.post("/jobs/login", data={"email": admin.email, "password": PASSWORD})
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        app = await add_app(client, admin, now)
        form = await first_step(client, app.person)
        assert has_signed_in(await client.post(SECOND_STEP, data={**form, "code": app.code(now + STEP)}))
