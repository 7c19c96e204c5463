"""Wrong passwords for an account: strangers are slowed down, and its owner's device is not."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import httpx
import msgspec
import pytest

from config.sections.accounts import LimitSettings
from config.settings import Settings
from grome.app import App
from tests.builders.people import PASSWORD, new_email, register
from tests.support.app import serve_app
from tests.support.http_client import http_client

MANY = 10**6
LIMITS = LimitSettings(
    **{**dict.fromkeys(LimitSettings.__struct_fields__, MANY), "failed_sign_ins": 3, "failed_sign_ins_account": 8}
)
DEVICE = {"id": "6f1c9c1e-own-device-of-the-owner"}
_networks = count(1)


@pytest.fixture(scope="module")
async def guarded(settings: Settings, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    """Behind a proxy, so that a test can come from any address."""
    proxied = msgspec.structs.replace(settings.http, trusted_proxies="1")
    async with serve_app(msgspec.structs.replace(settings, limits=LIMITS, http=proxied)) as app:
        yield app


@pytest.fixture
async def http(guarded: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(guarded.ctx.base_url) as client:
        yield client


def new_address() -> str:
    """Return an address of a network that no other call returns."""
    number = next(_networks)
    return f"198.{18 + number // 256}.{number % 256}.5"


async def login(http: httpx.AsyncClient, email: str, password: str, address: str, device: object = None) -> int:
    body = {"email": email, "password": password, "device": device}
    answer = await http.post("/v1/auth/login", json=body, headers={"X-Forwarded-For": address})
    assert answer.status_code != 429 or int(answer.headers["Retry-After"]) > 0
    return answer.status_code


async def test_flood_of_wrong_passwords_from_everywhere_leaves_the_owner_s_device_in(http: httpx.AsyncClient) -> None:
    owner = await register(http, device=DEVICE)
    flood = [await login(http, owner.email, f"wrong {number}", new_address()) for number in range(12)]
    assert flood == [*[401] * 8, *[429] * 4]
    assert await login(http, owner.email, PASSWORD, new_address(), DEVICE) == 200
    assert await login(http, owner.email, PASSWORD, new_address()) == 429  # a new device waits like the strangers


async def test_network_that_tries_one_account_waits_and_other_networks_do_not(http: httpx.AsyncClient) -> None:
    owner = await register(http)
    one, other = new_address(), new_address()
    neighbour = one.rpartition(".")[0] + ".77"
    statuses = [await login(http, owner.email, "wrong", address) for address in (one, neighbour, one, neighbour)]
    assert statuses == [401, 401, 401, 429]
    assert await login(http, owner.email, PASSWORD, one) == 429
    assert await login(http, owner.email, PASSWORD, other) == 200


async def test_right_passwords_use_up_nothing(http: httpx.AsyncClient) -> None:
    owner, address = await register(http), new_address()
    assert {await login(http, owner.email, PASSWORD, address) for _ in range(5)} == {200}


async def test_unknown_account_is_limited_like_a_known_one(http: httpx.AsyncClient) -> None:
    email, address = new_email(), new_address()
    assert [await login(http, email, "wrong", address) for _ in range(4)] == [401, 401, 401, 429]
    assert [await login(http, email.upper(), "wrong", address)] == [429]


async def test_guessable_device_id_gives_no_quota_of_its_own(http: httpx.AsyncClient) -> None:
    owner = await register(http, device={"id": "web"})
    statuses = [await login(http, owner.email, f"wrong {n}", new_address(), {"id": "web"}) for n in range(9)]
    assert statuses == [*[401] * 8, 429]


async def test_parallel_guesses_cannot_all_pass(http: httpx.AsyncClient) -> None:
    owner, address = await register(http), new_address()
    statuses = await asyncio.gather(*(login(http, owner.email, f"wrong {n}", address) for n in range(10)))
    assert sorted(statuses) == [*[401] * 3, *[429] * 7]
