"""Security headers on answers of all kinds: JSON, problems, pages, files, redirects, and answers of the fast path."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.protocol import Storage
from tests.builders.searches import NEARBY
from tests.support.app import serve_app
from tests.support.http_client import http_client

SEARCH = f"{NEARBY}?lat=33.3&lng=-50.5"


@pytest.fixture(scope="module")
async def public_app(settings: Settings, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    opened = msgspec.structs.replace(settings.http, public_url="https://api.grome.test")
    async with serve_app(msgspec.structs.replace(settings, http=opened)) as app:
        yield app


@pytest.fixture
async def http(public_app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(public_app.ctx.base_url) as client:
        yield client


def policy_of(answer: httpx.Response) -> dict[str, str]:
    directives = (item.strip().partition(" ") for item in answer.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in directives}


def assert_safe(answer: httpx.Response) -> None:
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    policy = policy_of(answer)
    assert policy["default-src"] == "'none'"
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    for name in ("x-content-type-options", "referrer-policy", "content-security-policy", "strict-transport-security"):
        assert len(answer.headers.get_list(name)) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (SEARCH, 200),
        ("/v1/services", 200),
        ("/health/live", 200),
        ("/v1/me", 401),
        ("/nowhere", 404),
        ("/v1/barbers/nearby?lat=x", 422),
        ("/", 307),
        ("/openapi.json", 200),
        ("/files/made-up", 404),
    ],
)
async def test_answer_of_any_kind_has_the_security_headers(http: httpx.AsyncClient, path: str, status: int) -> None:
    for _ in range(2):  # the first search caches a tile, the second takes the fast path
        answer = await http.get(path)
        assert answer.status_code == status
        assert_safe(answer)
        assert policy_of(answer)["frame-ancestors"] == "'none'"


async def test_method_that_is_not_allowed_and_broken_request_have_the_security_headers(http: httpx.AsyncClient) -> None:
    assert_safe(await http.delete("/v1/services"))
    assert_safe(await http.post("/v1/auth/login", content=b"{", headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("path", ["/docs", "/account", "/jobs/login", "/mailbox/", "/live-demo"])
async def test_page_has_a_policy_of_its_own_that_runs_its_own_scripts_only(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert_safe(answer)
    policy = policy_of(answer)
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy.get("script-src", "")


async def test_file_is_served_in_a_sandbox(public_app: App, http: httpx.AsyncClient) -> None:
    container = public_app.ctx.container
    await container.get(Storage).put("tests/a.html", _chunks(b"<script>alert(1)</script>"))
    link = container.get(FileLinks).write("tests/a.html", 60, "a.html", "text/html")
    answer = await http.get(link.removeprefix("https://api.grome.test"))
    assert answer.status_code == 200
    assert_safe(answer)
    assert "sandbox" in policy_of(answer)


async def test_address_without_tls_is_not_promised_to_have_it(app: App) -> None:
    async with http_client(app.ctx.base_url) as http:
        assert "Strict-Transport-Security" not in (await http.get("/health/live")).headers


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
