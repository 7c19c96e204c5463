"""Limits of accounts and addresses through HTTP, by two processes that share a Valkey, and without it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count

import httpx
import msgspec
import pytest

from config.sections.accounts import LimitSettings
from config.settings import Settings
from grome.app import App
from grome.infrastructure.rate_limits.limiter import RateLimits
from tests.builders.people import new_email, register
from tests.builders.searches import NEARBY
from tests.support.app import serve_app
from tests.support.eventually import PATIENCE_S
from tests.support.http_client import TLS
from tests.support.servers import StoppableServer, own_valkey

LIMITS = LimitSettings(read=6, write=40, search=4, sign_in=5, codes=3, costly=3)
SEARCH = f"{NEARBY}?lat=48.1&lng=11.5"
_hosts = count(1)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoppableServer]:
    with own_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
async def apps(settings: Settings, database: None, valkey: StoppableServer) -> AsyncIterator[list[App]]:  # noqa: ARG001
    """Two API processes as far as limits can tell."""
    redis = msgspec.structs.replace(settings.redis, url=valkey.url)
    limited = msgspec.structs.replace(settings, limits=LIMITS, redis=redis)
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(serve_app(limited)) for _ in range(limited.http.workers)]


@pytest.fixture
async def clients(apps: list[App]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client of each process. Both come from an address of their own: all of 127.0.0.0/8 leads here."""
    number = next(_hosts)
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(
                httpx.AsyncClient(
                    base_url=app.ctx.base_url,
                    timeout=PATIENCE_S,
                    transport=httpx.AsyncHTTPTransport(local_address=f"127.0.7.{number}", verify=TLS),
                )
            )
            for app in apps
        ]


async def share(apps: list[App]) -> None:
    """Add up the grants of both processes; a process learns the grants of others when it adds its own."""
    for app in apps:
        await app.ctx.container.get(RateLimits).share()


async def test_account_with_used_up_quota_gets_429_and_another_account_does_not(
    clients: list[httpx.AsyncClient],
) -> None:
    http, _ = clients
    person, other = await register(http), await register(http)
    answers = [await http.get("/v1/me", headers=person.auth) for _ in range(LIMITS.read + 1)]
    assert [answer.status_code for answer in answers] == [*[200] * LIMITS.read, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["RateLimit-Policy"] == '"read";q=6;w=60'
    assert refused.headers["RateLimit"].startswith('"read";r=0;t=')
    assert answers[0].headers["RateLimit"] == '"read";r=5;t=10'
    assert (await http.get("/v1/me", headers=other.auth)).status_code == 200
    assert (await http.patch("/v1/me/preferences", headers=person.auth, json={})).status_code == 200


async def test_quota_of_reads_is_shared_by_processes(apps: list[App], clients: list[httpx.AsyncClient]) -> None:
    one, two = clients
    person = await register(one)
    for http in (one, two, two, two):
        await http.get("/v1/me", headers=person.auth)
    await share(apps)
    await one.get("/v1/me", headers=person.auth)
    await share(apps)
    assert (await one.get("/v1/me", headers=person.auth)).headers["RateLimit"].startswith('"read";r=0;')
    assert (await one.get("/v1/me", headers=person.auth)).status_code == 429
    await share(apps)
    await two.get("/v1/me", headers=person.auth)
    await share(apps)
    assert (await two.get("/v1/me", headers=person.auth)).status_code == 429


async def test_quota_of_sign_ins_of_an_address_is_exact_in_all_processes(clients: list[httpx.AsyncClient]) -> None:
    wrong = {"email": new_email(), "password": "not the password"}
    answers = [await clients[n % 2].post("/v1/auth/login", json=wrong) for n in range(LIMITS.sign_in + 1)]
    assert [answer.status_code for answer in answers] == [*[401] * LIMITS.sign_in, 429]


async def test_sign_in_of_the_dashboard_uses_the_quota_of_sign_ins(clients: list[httpx.AsyncClient]) -> None:
    form = {"email": new_email(), "password": "not the password"}
    answers = [await clients[n % 2].post("/jobs/login", data=form) for n in range(LIMITS.sign_in + 1)]
    assert [answer.status_code for answer in answers] == [*[401] * LIMITS.sign_in, 429]
    assert answers[-1].headers["Content-Type"].startswith("text/html")


async def test_address_that_sends_forged_tokens_gets_429(clients: list[httpx.AsyncClient]) -> None:
    forged = {"Authorization": "Bearer made.up.token"}
    answers = [await clients[0].get("/v1/me", headers=forged) for _ in range(LIMITS.read + 1)]
    assert [answer.status_code for answer in answers] == [*[401] * LIMITS.read, 429]


async def test_health_has_no_limit(clients: list[httpx.AsyncClient]) -> None:
    answers = [await clients[0].get("/health/live") for _ in range(LIMITS.read * 3)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers


async def test_fast_path_and_ordinary_route_use_one_quota(clients: list[httpx.AsyncClient]) -> None:
    http, _ = clients
    targets = [SEARCH, SEARCH, f"{SEARCH}&sort=rating", SEARCH, SEARCH, f"{SEARCH}&sort=rating"]
    answers = [await http.get(target) for target in targets]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429, 429]
    left = [answer.headers["RateLimit"].split(";")[1] for answer in answers]
    assert left == ["r=3", "r=2", "r=1", "r=0", "r=0", "r=0"]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"search";q=4;w=60'}


async def test_without_valkey_each_process_grants_its_share(
    apps: list[App], clients: list[httpx.AsyncClient], valkey: StoppableServer
) -> None:
    one, _ = clients
    person, other = await register(one), await register(one)
    valkey.kill()
    wrong = {"email": new_email(), "password": "not the password"}
    for http in clients:
        assert (await http.post("/v1/auth/login", json=wrong)).status_code == 401  # notices that Valkey is away
        statuses = [(await http.get("/v1/me", headers=person.auth)).status_code for _ in range(LIMITS.read // 2 + 1)]
        assert statuses == [*[200] * (LIMITS.read // 2), 429]
        sign_ins = [(await http.post("/v1/auth/login", json=wrong)).status_code for _ in range(LIMITS.sign_in)]
        assert set(sign_ins) == {401, 429}
    valkey.start()
    await one.get("/v1/me", headers=other.auth)
    await share(apps)
    statuses = [(await one.get("/v1/me", headers=other.auth)).status_code for _ in range(LIMITS.read - 2)]
    assert statuses == [200] * (LIMITS.read - 2)
