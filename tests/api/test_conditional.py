"""Caching headers, and conditional requests of clients with a copy."""

import asyncio

import httpx
import pytest

from grome.app import App
from grome.infrastructure.container import Container
from tests.api.conftest import Cast
from tests.api.raw import read_answer
from tests.api.surface import ROUTES, Route
from tests.builders.barbers import catalogue_service
from tests.support.eventually import PATIENCE_S

# Said here a second time, apart from the routes: what of ours others may keep, and for how long unasked.
KEPT = {
    "GET /v1/auth/jwks": "public, max-age=300",
    "GET /.well-known/jwks.json": "public, max-age=300",
    "GET /v1/services": "public, max-age=60",
    "GET /v1/services/{service_id}": "public, max-age=60",
    "GET /v1/barbers": "public, max-age=10",
    "GET /v1/barbers/{barber_id}": "public, no-cache",
    "GET /v1/barbers/{barber_id}/photos": "public, max-age=60",
    "GET /v1/calendars/{token}/grome.ics": "private, no-cache",
}
CACHED = [route for route in ROUTES if str(route) in KEPT]
PAGES = ["/openapi.json", "/docs"]


def test_cache_table_has_exactly_the_cached_routes() -> None:
    assert {str(route) for route in CACHED} == set(KEPT)


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_cache_control_of_each_get_route_is_as_in_the_table(cast: Cast, route: Route) -> None:
    """Responses outside the table, and all errors, must not be cached."""
    if route.method == "GET":
        answer = await cast.ask(route)
        assert answer.headers["cache-control"] == KEPT.get(str(route), "no-store"), answer.text
        assert ("etag" in answer.headers) == (str(route) in KEPT)
    refused = await cast.ask(route, query={"nonsense": "1"})
    assert (refused.status_code, refused.headers["cache-control"]) == (422, "no-store")
    assert "etag" not in refused.headers


@pytest.mark.parametrize("path", ["/nowhere", "/v1/services/01890a5d-ac96-774b-bcce-b302099a8057"])
async def test_not_found_response_is_never_cached(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", CACHED, ids=str)
async def test_current_entity_tag_gets_304_without_a_body(cast: Cast, route: Route, method: str) -> None:
    whole = await cast.ask(route)
    assert whole.content
    url, headers = str(whole.request.url), {"If-None-Match": whole.headers["etag"]}
    again = await cast.client.request(method, url, headers=headers)
    assert_not_modified(again, whole)


@pytest.mark.parametrize("path", PAGES)
async def test_current_entity_tag_of_a_page_gets_304_without_a_body(http: httpx.AsyncClient, path: str) -> None:
    whole = await http.get(path)
    assert whole.headers["cache-control"] == "public, no-cache"
    again = await http.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert_not_modified(again, whole)


def assert_not_modified(again: httpx.Response, whole: httpx.Response) -> None:
    """It has the headers that update a cached copy, and none about a body (RFC 9110, section 15.4.5)."""
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers.get(name) == whole.headers.get(name)
    assert again.headers["x-request-id"] != whole.headers["x-request-id"]
    assert again.headers.keys().isdisjoint({"content-type", "content-encoding", "content-length", "transfer-encoding"})


async def test_changed_barber_is_sent_with_a_new_entity_tag(cast: Cast, container: Container) -> None:
    route = next(route for route in CACHED if str(route) == "GET /v1/barbers/{barber_id}")
    before = await cast.ask(route)
    shop = f"/v1/barbers/{cast.ids['barber_id']}"
    owner = next(person for person in cast.people.values() if str(person.id) == cast.ids["barber_id"])
    turned = {"is_online": not before.json()["is_online"]}
    assert (await cast.client.put("/v1/barbers/me/online", json=turned, headers=owner.auth)).status_code == 200
    after = await cast.client.get(shop, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["is_online"]) == (200, turned["is_online"])
    assert after.headers["etag"] != before.headers["etag"]
    await catalogue_service(container)
    same = await cast.client.get(shop, headers={"If-None-Match": after.headers["etag"]})
    assert same.status_code == 304


async def test_connection_after_304_is_kept_alive(app: App) -> None:
    """No byte of a body follows a 304."""
    url = httpx.URL(app.ctx.base_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    for method in ("GET", "HEAD", "GET"):
        writer.write(f"{method} /v1/auth/jwks HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            assert (await read_answer(reader)).status_code == 304
    writer.close()
