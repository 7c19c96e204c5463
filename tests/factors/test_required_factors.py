"""Where a second factor is required: admins everywhere but in their own account, barbers before money moves."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.common.actor import Role
from grome.common.clock import Clock
from grome.infrastructure.container import Container
from tests.api.surface import ROUTES, Route
from tests.builders.barbers import barber
from tests.builders.factors import add_app, add_passkey, with_tokens
from tests.builders.people import Person, create_admin, register
from tests.support.app import serve_app
from tests.support.http_client import http_client
from tests.support.live import AsyncSockets, live_socket


@pytest.fixture(scope="module")
async def strict_app(settings: Settings, session_clock: Clock, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    accounts = msgspec.structs.replace(settings.accounts, require_second_factor=True)
    async with serve_app(msgspec.structs.replace(settings, accounts=accounts), session_clock) as application:
        yield application


@pytest.fixture
async def strict(strict_app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(strict_app.ctx.base_url) as client:
        yield client


@pytest.fixture
def strict_container(strict_app: App) -> Container:
    found: Container = strict_app.ctx.container
    return found


def missing(response: httpx.Response) -> bool:
    return (response.status_code, response.json().get("code")) == (403, "second_factor_missing")


@pytest.mark.parametrize("route", [route for route in ROUTES if Role.ADMIN in route.who], ids=str)
def test_route_for_admins_wants_a_factor_unless_it_is_about_the_own_account(route: Route) -> None:
    is_own_account = route.path.startswith(("/v1/me", "/v1/auth/"))
    assert (Role.ADMIN in route.operation.second_factor) != is_own_account


async def test_admin_without_a_factor_reaches_the_own_account_only(
    strict: httpx.AsyncClient, strict_container: Container
) -> None:
    admin = await create_admin(strict, strict_container)
    for path in ("/v1/admin/payouts", "/v1/admin/jobs", "/v1/admin/audit", "/v1/bookings"):
        assert missing(await strict.get(path, headers=admin.auth)), path
    for path in ("/v1/me", "/v1/me/factors", "/v1/me/passkeys", "/v1/me/preferences"):
        assert (await strict.get(path, headers=admin.auth)).status_code == 200, path
    assert (await strict.get("/v1/me/factors", headers=admin.auth)).json()["required"]


async def test_admin_who_adds_a_factor_reaches_admin_routes_in_the_same_session(
    strict: httpx.AsyncClient, strict_container: Container
) -> None:
    admin = await create_admin(strict, strict_container)
    assert missing(await strict.get("/v1/admin/payouts", headers=admin.auth))
    _, added = await add_passkey(strict, admin)
    admin = with_tokens(admin, added["tokens"])
    assert (await strict.get("/v1/admin/payouts", headers=admin.auth)).status_code == 200
    renewed = await strict.post("/v1/auth/refresh", json={"refresh_token": admin.refresh_token})
    admin = with_tokens(admin, renewed.json())
    assert (await strict.get("/v1/admin/payouts", headers=admin.auth)).status_code == 200


async def test_admin_keeps_the_last_factor(strict: httpx.AsyncClient, strict_container: Container) -> None:
    admin = await create_admin(strict, strict_container)
    app = await add_app(strict, admin, strict_container.clock())
    refused = await strict.delete("/v1/me/factors/totp", headers=app.person.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "factor_required")
    _, added = await add_passkey(strict, app.person)
    assert (await strict.delete("/v1/me/factors/totp", headers=app.person.auth)).status_code == 204
    passkey = f"/v1/me/passkeys/{added['passkey']['id']}"
    assert (await strict.delete(passkey, headers=app.person.auth)).status_code == 409


async def onboard(http: httpx.AsyncClient, person: Person) -> httpx.Response:
    return await http.post("/v1/barbers/me/onboarding", json={}, headers=person.auth)


async def test_barber_without_a_factor_works_but_opens_no_payout_account(
    http: httpx.AsyncClient, container: Container, strict: httpx.AsyncClient
) -> None:
    shop = (await barber(http, container)).person
    assert missing(await onboard(strict, shop))
    assert (await strict.get("/v1/bookings", headers=shop.auth)).status_code == 200
    _, added = await add_passkey(strict, shop)
    assert not missing(await onboard(strict, with_tokens(shop, added["tokens"])))


async def test_customer_needs_no_factor(strict: httpx.AsyncClient) -> None:
    assert (await strict.get("/v1/bookings", headers=(await register(strict)).auth)).status_code == 200


async def test_admin_without_a_factor_opens_no_live_connection(
    strict_app: App, strict: httpx.AsyncClient, strict_container: Container
) -> None:
    admin, customer = await create_admin(strict, strict_container), await register(strict)
    async with AsyncSockets(strict_app) as sockets:
        assert (await sockets.hello(admin.access_token))["t"] == "bye"
        assert (await sockets.hello(customer.access_token))["t"] == "hello"
        _, added = await add_passkey(strict, admin)
        assert (await sockets.hello(added["tokens"]["access_token"]))["t"] == "hello"


async def test_live_connection_is_prolonged_by_the_token_of_a_new_proof(
    strict_app: App, strict: httpx.AsyncClient
) -> None:
    person = await register(strict)
    async with live_socket(strict_app, person) as socket:
        _, added = await add_passkey(strict, person)
        prolonged = await socket.request("refresh", token=added["tokens"]["access_token"])
    assert prolonged["ok"]["expires_in"] > 0
