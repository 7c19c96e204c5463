"""The SAQ dashboard over HTTP, as a browser uses it: cookies kept, redirects looked at."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie

import httpx
import msgspec
import pytest
from saq.job import Job, Status
from saq.queue.redis import RedisQueue

from grome.app import App
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.jobs.queues import Queues
from tests.builders.people import PASSWORD, create_admin, register
from tests.conftest import AdjustableClock
from tests.support.app import ChangedContainer

ACCESS, REFRESH = "grome_jobs_access", "grome_jobs_refresh"


async def sign_in(http: httpx.AsyncClient, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await http.post("/jobs/login", data={"email": email, "password": password}, headers=headers)


def cookies_set(response: httpx.Response) -> dict[str, Morsel[str]]:
    jar: SimpleCookie = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        jar.load(header)
    return dict(jar)


def own_page(http: httpx.AsyncClient) -> dict[str, str]:
    """The headers of a browser for a same-origin request, on a host for which it sends no Sec-Fetch-Site."""
    return {"Origin": str(http.base_url).rstrip("/")}


@pytest.fixture
async def operator(http: httpx.AsyncClient, container: Container) -> httpx.AsyncClient:
    """A browser in which an admin has just signed in."""
    boss = await create_admin(http, container)
    response = await sign_in(http, boss.email)
    assert (response.status_code, response.headers["location"]) == (303, "/jobs/")
    return http


@pytest.fixture
async def job(container: Container) -> AsyncIterator[Job]:
    """A waiting job, taken out of the queue after the test: other tests run workers on it."""
    waiting = Job(function="remind", kwargs={"booking": "7"}, key=f"odd key/{new_id()}")
    enqueued = await container.get(Queues)[Queue.DEFAULT].enqueue(waiting)
    assert enqueued is not None
    yield enqueued
    await enqueued.abort("the test is over")


@pytest.fixture
def address(job: Job) -> str:
    """Return the path of the job in the API; its key has characters that a path must escape."""
    key = job.key.replace(" ", "%20").replace("/", "%2F")
    return f"/jobs/api/queues/default/jobs/{key}"


@pytest.mark.parametrize(
    "path", ["/jobs", "/jobs/", "/jobs/queues/default", "/jobs/queues/default/jobs/some-key", "/jobs/dead"]
)
async def test_dashboard_page_without_sign_in_redirects_to_the_login(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert (response.status_code, response.headers["location"]) == (303, "/jobs/login")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/default"), ("GET", "/default/jobs/key"), ("POST", "/default/jobs/key/retry")],
)
async def test_dashboard_api_without_sign_in_is_unauthenticated(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await http.request(method, f"/jobs/api/queues{path}", headers=own_page(http), json={})
    assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
    assert response.json()["code"] == "unauthenticated"


async def test_dashboard_api_with_a_bearer_token_is_unauthenticated(
    http: httpx.AsyncClient, container: Container
) -> None:
    boss = await create_admin(http, container)
    assert (await http.get("/jobs/api/queues", headers=boss.auth)).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "a.b", "a.b.c", "....", "é.é.é", '"quoted"', "A" * 5000])
async def test_dashboard_api_with_forged_cookies_is_unauthenticated(http: httpx.AsyncClient, value: str) -> None:
    cookies = f"{ACCESS}={value}; {REFRESH}={value}".encode()
    response = await http.get("/jobs/api/queues", headers={b"Cookie": cookies})
    assert response.status_code == 401


async def test_dashboard_api_with_a_customers_tokens_is_unauthenticated(http: httpx.AsyncClient) -> None:
    customer = await register(http)
    cookies = f"{ACCESS}={customer.access_token}; {REFRESH}={customer.refresh_token}"
    assert (await http.get("/jobs/api/queues", headers={"Cookie": cookies})).status_code == 401


async def test_login_page_loads_nothing_and_has_a_strict_policy(http: httpx.AsyncClient) -> None:
    response = await http.get("/jobs/login")
    assert response.status_code == 200
    assert "src=" not in response.text
    assert "alert" not in response.text.partition("<body>")[2]
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"


async def test_refused_sign_in_gets_the_same_response_for_every_reason(
    http: httpx.AsyncClient, container: Container
) -> None:
    boss, customer = await create_admin(http, container), await register(http)
    attempts = [
        (boss.email, "wrong password"),
        ("nobody@example.com", PASSWORD),
        (customer.email, PASSWORD),
        ("not an address", PASSWORD),
        (boss.email, ""),
    ]
    answers = [await sign_in(http, email, password) for email, password in attempts]
    answers.append(await http.post("/jobs/login", content=b"\xff%ff=&&"))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert 'role="alert"' in answers[0].text
    assert not any(cookies_set(answer) for answer in answers)


async def test_refused_sign_in_of_a_customer_revokes_the_session(http: httpx.AsyncClient, container: Container) -> None:
    customer = await register(http)
    await sign_in(http, customer.email)
    sessions = container.database["sessions"].find({"user_id": customer.id}, {"revoked_at": 1})
    assert [bool(session["revoked_at"]) async for session in sessions.sort("first_seen", 1)] == [False, True]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_sign_in_from_another_site_is_refused(
    http: httpx.AsyncClient, container: Container, headers: dict[str, str]
) -> None:
    boss = await create_admin(http, container)
    response = await sign_in(http, boss.email, **headers)
    assert (response.status_code, response.json()["code"]) == (403, "foreign_request")
    assert not cookies_set(response)


async def test_sign_in_cookies_are_limited_to_the_dashboard_path(http: httpx.AsyncClient, container: Container) -> None:
    boss = await create_admin(http, container)
    cookies = cookies_set(await sign_in(http, boss.email, **own_page(http)))
    assert set(cookies) == {ACCESS, REFRESH}
    for cookie in cookies.values():
        assert (cookie["path"], cookie["samesite"]) == ("/jobs", "Strict")
        assert cookie["httponly"]
        assert not cookie["secure"]


@pytest.fixture
def production(app: App, container: Container) -> Iterator[None]:
    settings = msgspec.structs.replace(container.settings, env="production")
    app.ctx.container = ChangedContainer(container, settings=settings)
    yield
    app.ctx.container = container


@pytest.mark.usefixtures("production")
async def test_sign_in_cookies_in_production_are_secure(http: httpx.AsyncClient, container: Container) -> None:
    boss = await create_admin(http, container)
    cookies = cookies_set(await sign_in(http, boss.email))
    assert [bool(cookie["secure"]) for cookie in cookies.values()] == [True, True]
    assert set(cookies) == {f"__Secure-{ACCESS}", f"__Secure-{REFRESH}"}
    sent = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
    assert (await http.get("/jobs/api/queues", headers={"Cookie": sent})).status_code == 200


async def test_dashboard_page_for_an_admin_is_shown(operator: httpx.AsyncClient) -> None:
    for path in ("/jobs/", "/jobs/queues/default", "/jobs/queues/default/jobs/some-key"):
        response = await operator.get(path)
        assert response.status_code == 200
        assert "/jobs/static/app.js" in response.text
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"


async def test_dashboard_api_for_an_admin_lists_queues_and_jobs(
    operator: httpx.AsyncClient, job: Job, address: str
) -> None:
    response = await operator.get("/jobs/api/queues")
    assert response.headers["cache-control"] == "no-store"
    queue = {one["name"]: one for one in response.json()["queues"]}["default"]
    assert queue["queued"] >= 1

    listed = (await operator.get("/jobs/api/queues/default")).json()["queue"]["jobs"]
    [found] = [entry for entry in listed if entry["key"] == job.key]
    assert (found["function"], found["kwargs"]) == ("remind", "{'booking': '7'}")

    shown = (await operator.get(address)).json()["job"]
    assert (shown["key"], shown["status"], shown["kwargs"]) == (job.key, "queued", "{'booking': '7'}")


@pytest.mark.parametrize("path", ["other", "other/jobs/key", "default/jobs/no-such-key"])
async def test_dashboard_api_with_an_unknown_queue_or_job_is_not_found(operator: httpx.AsyncClient, path: str) -> None:
    response = await operator.get(f"/jobs/api/queues/{path}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


async def test_retry_of_an_ended_job_queues_it_again(
    operator: httpx.AsyncClient, container: Container, job: Job, address: str
) -> None:
    await job.finish(Status.FAILED, error="it broke")
    response = await operator.post(f"{address}/retry", json={}, headers=own_page(operator))
    assert (response.status_code, response.json()) == (200, {})
    again = await container.get(Queues)[Queue.DEFAULT].job(job.key)
    assert again is not None
    assert (again.status, again.error) == (Status.QUEUED, "retried from the dashboard")


async def test_abort_of_a_waiting_job_ends_it_once(
    operator: httpx.AsyncClient, container: Container, job: Job, address: str
) -> None:
    assert (await operator.post(f"{address}/abort", json={}, headers=own_page(operator))).status_code == 200
    aborted = await container.get(Queues)[Queue.DEFAULT].job(job.key)
    assert aborted is not None
    assert (aborted.status, aborted.error) == (Status.ABORTED, "aborted from the dashboard")

    response = await operator.post(f"{address}/abort", json={}, headers=own_page(operator))
    assert (response.status_code, response.json()["code"]) == (409, "job_ended")


@pytest.mark.parametrize("action", ["retry", "abort"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"},
    ],
)
async def test_job_action_from_another_site_is_refused(
    operator: httpx.AsyncClient, container: Container, job: Job, address: str, action: str, headers: dict[str, str]
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    response = await operator.post(f"{address}/{action}", content=b"{}", headers=sent)
    assert (response.status_code, response.json()["code"]) == (403, "foreign_request")
    untouched = await container.get(Queues)[Queue.DEFAULT].job(job.key)
    assert untouched is not None
    assert (untouched.status, untouched.error) == (Status.QUEUED, None)


async def test_logout_revokes_the_session_and_its_cookies(operator: httpx.AsyncClient) -> None:
    stolen = dict(operator.cookies)
    assert (await operator.post("/jobs/logout")).status_code == 403
    assert (await operator.get("/jobs/api/queues")).status_code == 200

    response = await operator.post("/jobs/logout", headers=own_page(operator))
    assert (response.status_code, response.headers["location"]) == (303, "/jobs/login")
    assert not operator.cookies
    for name, value in stolen.items():
        operator.cookies.set(name, value, path="/jobs")
    assert (await operator.get("/jobs/api/queues")).status_code == 401


async def test_expired_access_token_is_renewed_from_the_refresh_cookie(
    operator: httpx.AsyncClient, clock: AdjustableClock, container: Container
) -> None:
    before = dict(operator.cookies)
    clock.shift = timedelta(seconds=container.settings.accounts.access_ttl_s + 60)
    response = await operator.get("/jobs/api/queues/default/jobs/no-such-key")
    assert response.status_code == 404  # even a refusal brings the new cookies
    assert set(cookies_set(response)) == {ACCESS, REFRESH}
    assert all(operator.cookies[name] != before[name] for name in before)

    response = await operator.get("/jobs/")
    assert response.status_code == 200
    assert not cookies_set(response)


async def test_expired_session_redirects_to_the_login(
    operator: httpx.AsyncClient, clock: AdjustableClock, container: Container
) -> None:
    clock.shift = timedelta(seconds=container.settings.accounts.idle_ttl_s + 60)
    response = await operator.get("/jobs/")
    assert (response.status_code, response.headers["location"]) == (303, "/jobs/login")


async def test_logout_with_an_expired_access_token_clears_the_cookies(
    operator: httpx.AsyncClient, clock: AdjustableClock, container: Container
) -> None:
    clock.shift = timedelta(seconds=container.settings.accounts.access_ttl_s + 60)
    response = await operator.post("/jobs/logout", headers=own_page(operator))
    assert response.headers["location"] == "/jobs/login"
    assert not operator.cookies


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("snabbdom.js", "text/javascript; charset=utf-8"),
        ("pico.min.css", "text/css; charset=utf-8"),
    ],
)
async def test_asset_has_its_type_compression_and_cache_headers(
    http: httpx.AsyncClient, name: str, content_type: str
) -> None:
    response = await http.get(f"/jobs/static/{name}")
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert (response.headers["content-encoding"], response.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.headers["x-content-type-options"] == "nosniff"

    plain = await http.get(f"/jobs/static/{name}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == response.text


async def test_job_page_links_to_its_queue_below_the_dashboard_path(http: httpx.AsyncClient) -> None:
    script = (await http.get("/jobs/static/app.js")).text
    assert 'root_path + "/queues/" + job.queue' in script
    assert 'href: "/queues/"' not in script


@pytest.mark.parametrize("name", ["other.js", "..%2Fcommon.py", "app.js.gz"])
async def test_static_path_of_another_file_is_not_found(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/jobs/static/{name}")).status_code == 404


@pytest.fixture
def redis_away(app: App, container: Container) -> Iterator[None]:
    nobody_there = {name: RedisQueue.from_url("redis://127.0.0.1:1", name=name) for name in Queue}
    app.ctx.container = ChangedContainer(container, objects={Queues: nobody_there})
    yield
    app.ctx.container = container


@pytest.mark.usefixtures("redis_away")
async def test_dashboard_api_without_redis_is_unavailable(operator: httpx.AsyncClient) -> None:
    response = await operator.get("/jobs/api/queues")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
