"""Pages of other origins: preflight requests, and answers of all kinds, for origins that are allowed and others."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.infrastructure.http.strict_http import StrictHttpProtocol
from tests.builders.people import register
from tests.builders.searches import NEARBY
from tests.support.app import serve_app
from tests.support.http_client import http_client

ALLOWED, OTHER = "https://app.grome.test", "https://evil.example"
ALMOST = "https://app.grome.test.evil.example"
SEARCH = f"{NEARBY}?lat=12.3&lng=-60.5"


@pytest.fixture(scope="module")
async def cors_app(settings: Settings, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    opened = msgspec.structs.replace(settings.http, cors_origins=f"{ALLOWED}, https://admin.grome.test")
    async with serve_app(msgspec.structs.replace(settings, http=opened)) as app:
        yield app


@pytest.fixture
async def http(cors_app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(cors_app.ctx.base_url) as client:
        yield client


def preflight(origin: str, method: str, headers: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def listed(answer: httpx.Response, name: str) -> set[str]:
    return {item.strip().lower() for item in answer.headers.get(name, "").split(",") if item.strip()}


@pytest.mark.parametrize(
    ("path", "method"), [("/v1/bookings", "POST"), ("/v1/me/preferences", "PATCH"), (NEARBY, "GET")]
)
async def test_preflight_of_an_allowed_origin_names_method_and_headers(
    http: httpx.AsyncClient, path: str, method: str
) -> None:
    sent = preflight(ALLOWED, method, "authorization, content-type, idempotency-key, x-unknown")
    answer = await http.options(path, headers=sent)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert method.lower() in listed(answer, "Access-Control-Allow-Methods")
    assert listed(answer, "Access-Control-Allow-Headers") == {"authorization", "content-type", "idempotency-key"}
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "origin" in listed(answer, "Vary")


@pytest.mark.parametrize("origin", [OTHER, ALMOST, "null"])
async def test_preflight_of_another_origin_allows_nothing(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.options("/v1/bookings", headers=preflight(origin, "POST", "authorization"))
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert "origin" in listed(answer, "Vary")


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/services", 200), ("/v1/me", 401), ("/nowhere", 404), ("/v1/me/preferences", 200)]
)
async def test_answers_of_all_kinds_can_be_read_by_pages_of_allowed_origins_only(
    http: httpx.AsyncClient, path: str, status: int
) -> None:
    auth = (await register(http)).auth if path.endswith("preferences") else {}
    answer = await http.get(path, headers={"Origin": ALLOWED, **auth})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, ALLOWED)
    assert {"ratelimit", "retry-after", "x-request-id", "etag"} <= listed(answer, "Access-Control-Expose-Headers")
    for headers in ({"Origin": OTHER}, {}):
        answer = await http.get(path, headers={**headers, **auth})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "origin" in listed(answer, "Vary")


async def test_answer_that_varies_by_encoding_varies_by_origin_too(http: httpx.AsyncClient) -> None:
    answer = await http.get("/openapi.json", headers={"Origin": ALLOWED})
    assert listed(answer, "Vary") == {"accept-encoding", "origin"}


@pytest.mark.parametrize("origin", [ALLOWED, OTHER, None])
async def test_fast_path_has_the_headers_of_the_ordinary_route(
    cors_app: App, http: httpx.AsyncClient, origin: str | None
) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(StrictHttpProtocol, loop=loop, app=cors_app), "127.0.0.1", 0)
    headers = {"X-Request-ID": "a", **({"Origin": origin} if origin else {})}
    async with server, http_client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as ordinary:
        await http.get(SEARCH, headers=headers)  # caches a tile for the place
        answers = [await client.get(SEARCH, headers=headers) for client in (http, ordinary)]
    fast, slow = ([(name, value) for name, value in answer.headers.raw if name != b"RateLimit"] for answer in answers)
    assert fast == slow
    assert answers[0].headers.get("Access-Control-Allow-Origin") == (ALLOWED if origin == ALLOWED else None)


async def test_without_allowed_origins_no_preflight_is_answered(app: App) -> None:
    async with http_client(app.ctx.base_url) as http:
        answer = await http.options("/v1/services", headers=preflight(ALLOWED, "GET", "authorization"))
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
