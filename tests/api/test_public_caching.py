"""A shared cache in front of the API may keep only answers that are the same for everybody."""

import httpx

from grome.app import App
from grome.common.actor import Role
from grome.infrastructure.container import Container
from grome.infrastructure.storage.protocol import Storage
from tests.api.conftest import GOOD_VALUES, Cast
from tests.api.rights import served_routes
from tests.api.surface import ROUTES

# Without Cache-Control, caches keep 301 and 308 only (RFC 9110, section 15.1).
REDIRECTS = {302, 303, 307}
# Names within pages, and a photo that the test stores.
NAMES = {
    "GET /account/{name}": {"name": "account.css"},
    "GET /docs/assets/{name}": {"name": "docs.css"},
    "GET /docs/errors/{code}": {"code": "not_found"},
    "GET /docs/groups/{file}": {"file": "bookings.md"},
    "GET /jobs/static/{name}": {"name": "app.js"},
    "GET /v1/photos/{name}/{file}": {"name": "0" * 32 + "-1", "file": "1024.jpg"},
}
# Answers that a shared cache may keep; docs/cdn.md explains them.
PUBLIC = {
    "GET /account/{name}",
    "GET /asyncapi.json",
    "GET /docs",
    "GET /docs/assets/{name}",
    "GET /docs/errors",
    "GET /docs/errors.md",
    "GET /docs/errors/{code}",
    "GET /docs/groups/{file}",
    "GET /docs/guide",
    "GET /docs/guide.md",
    "GET /jobs/static/{name}",
    "GET /llms.txt",
    "GET /openapi.json",
    "GET /.well-known/jwks.json",
    "GET /v1/auth/jwks",
    "GET /v1/barbers",
    "GET /v1/barbers/{barber_id}",
    "GET /v1/barbers/{barber_id}/photos",
    "GET /v1/photos/{name}/{file}",
    "GET /v1/services",
    "GET /v1/services/{service_id}",
}


async def ask(cast: Cast, url: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    """Return the response, and its content if a cache may keep it: a stream of events has no end."""
    async with cast.client.stream("GET", url, headers=headers) as response:
        is_kept = "public" in response.headers.get("cache-control", "")
        return response, await response.aread() if is_kept else b""


def url_of(route: str, cast: Cast) -> str:
    names = {**cast.ids, "endpoint_id": cast.ids["booking_id"], "token": "x", "queue": "x", "key": "x"}
    required = [
        f"{field.encode_name}={GOOD_VALUES[field.encode_name]}"
        for each in ROUTES
        if str(each) == route
        for field in each.query_fields
        if field.required
    ]
    path = route.removeprefix("GET ")
    for name, value in {**names, **NAMES.get(route, {})}.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{", "").replace("}", "") + (f"?{'&'.join(required)}" if required else "")


async def faults_of_public(cast: Cast, route: str, first: httpx.Response, content: bytes) -> list[str]:
    """Compare the answers for all actors and two languages."""
    faults, caching = [], first.headers["cache-control"]
    for actor, headers in {"nobody": {}, **{role.value: each.auth for role, each in cast.people.items()}}.items():
        for language in ("en", "ar"):
            other, found = await ask(cast, url_of(route, cast), {**headers, "Accept-Language": language})
            if (other.status_code, other.headers.get("cache-control")) != (200, caching):
                faults.append(f"{route}: {other.status_code} for {actor}")
            if found != content and "accept-language" not in other.headers.get("vary", "").lower():
                faults.append(f"{route}: another answer for {actor} in {language}")
            if "set-cookie" in other.headers:
                faults.append(f"{route}: sets a cookie")
    return faults


async def faults_of_others(cast: Cast, route: str, first: httpx.Response) -> list[str]:
    signed_in, _ = await ask(cast, url_of(route, cast), cast.people[Role.ADMIN].auth)
    return [
        f"{route}: {response.status_code} with Cache-Control {caching!r}"
        for response in (first, signed_in)
        for caching in [response.headers.get("cache-control", "")]
        if caching not in {"no-store", "private, no-cache"} and response.status_code not in REDIRECTS
    ]


async def test_response_that_a_shared_cache_may_keep_is_the_same_for_every_actor(
    cast: Cast, app: App, container: Container
) -> None:
    await container.get(Storage).put_public(f"photos/{'0' * 32}-1/1024.jpg", b"photo", "image/jpeg")
    kept, faults = set[str](), list[str]()
    for route in sorted(served for served in served_routes(app) if served.startswith("GET ")):
        first, content = await ask(cast, url_of(route, cast), {})
        if "public" in first.headers.get("cache-control", ""):
            kept.add(route)
            faults += await faults_of_public(cast, route, first, content)
        else:
            faults += await faults_of_others(cast, route, first)
    assert faults == []
    assert kept == PUBLIC
