"""HTTP manners: compression, request ids, methods, unknown addresses, kept connections, health, the request log."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from loguru import logger

from grome.app import App
from grome.infrastructure.container import Container
from grome.nearby.fast_query import FastQueries
from tests.api.problems import assert_refused, problem_of
from tests.api.raw import read_answer, send
from tests.api.surface import ROUTES, Route
from tests.builders.people import PASSWORD, register

READ = [route for route in ROUTES if route.method == "GET"]


async def test_large_response_is_compressed_with_gzip(http: httpx.AsyncClient) -> None:
    packed = await http.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert packed.json()["openapi"]
    assert int(packed.headers["content-length"]) < len(packed.content) / 3


class TestRequestIds:
    @pytest.mark.parametrize("sent", ["a", "A.b_c-9", "x" * 64])
    async def test_valid_request_id_of_the_client_is_returned(self, http: httpx.AsyncClient, sent: str) -> None:
        for path in ("/health/live", "/v1/me", "/nowhere"):
            assert (await http.get(path, headers={"X-Request-ID": sent})).headers["x-request-id"] == sent

    @pytest.mark.parametrize("sent", ["", "x" * 65, "x" * 8_000, "a b", "a\tb", "<b>", "é", "\xff", "a,b"])
    async def test_invalid_request_id_of_the_client_is_replaced(self, http: httpx.AsyncClient, sent: str) -> None:
        answers = [
            await http.get("/health/live", headers=[(b"X-Request-ID", sent.encode("latin-1"))]) for _ in range(2)
        ]
        first, second = (answer.headers["x-request-id"] for answer in answers)
        assert len(first) == 32
        assert sent not in {first, second}
        assert first != second

    @pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/health/ready", "/jobs/login", "/v1/services"])
    async def test_every_response_has_a_request_id(self, http: httpx.AsyncClient, path: str) -> None:
        for method in ("GET", "HEAD", "DELETE"):
            assert (await http.request(method, path)).headers["x-request-id"]


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
async def test_other_method_of_a_path_is_refused_with_the_allowed_methods(http: httpx.AsyncClient, path: str) -> None:
    here = [route for route in ROUTES if route.path == path]
    allowed = {route.method for route in here} | ({"HEAD"} if "GET" in {route.method for route in here} else set())
    # Where one path fits another, as `me` fits `{barber_id}`, the address is one to the router.
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} - allowed:
        response = await http.request(method, here[0].url())
        assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, allowed), method
        if method != "HEAD":
            assert_refused(response, 405, "method_not_allowed", told=method)


@pytest.mark.parametrize(
    "path",
    [
        *("/v1", "/v1/", "/v2/services", "/v1/nothing", "/v1/services/", "/v1/bookings/x/y/z", "/favicon.ico"),
        *("/v1//services", "/V1/services", "/%00", "/%ff", "/..%2f..%2fetc%2fpasswd", "/v1/barbers/a%2fb/slots/c"),
    ],
)
async def test_unknown_path_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST"):
        assert_refused(await http.request(method, path), 404, "not_found", told=(method, path))


# They tell milliseconds and counts, which have as many digits as they have.
MEASURING = {"/health/ready", "/metrics"}


class TestHead:
    @pytest.mark.parametrize("route", READ, ids=str)
    async def test_head_has_the_headers_of_get_and_no_body(self, app: App, route: Route) -> None:
        """Asked over one connection, so that a body where none belongs would be taken for the second answer."""
        reader, writer = await _connect(app)
        for method in ("HEAD", "GET"):
            writer.write(f"{method} {route.url()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, get = await read_answer(reader, with_body=False), await read_answer(reader)
        writer.close()
        assert head.status_code == get.status_code
        assert head.headers["content-type"] == get.headers["content-type"]
        if route.path in MEASURING:
            assert int(head.headers["content-length"]) > 0
        else:
            assert head.headers["content-length"] == get.headers["content-length"]


class TestConnections:
    async def test_connection_is_kept_alive_until_the_client_closes_it(self, app: App) -> None:
        """Through refusals too, and until the client says otherwise."""
        reader, writer = await _connect(app)
        for path, status, connection in (
            ("/health/live", 200, ""),
            ("/nowhere", 404, ""),
            ("/v1/me", 401, ""),
            ("/health/live", 200, "Connection: close\r\n"),
        ):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{connection}\r\n".encode())
            answer = await read_answer(reader)
            assert answer.status_code == status
            assert answer.headers["connection"] == ("close" if connection else "keep-alive")
        assert await reader.read() == b""
        writer.close()

    @pytest.mark.parametrize(
        ("request_line", "header", "status", "code"),
        [
            ("GET /{} HTTP/1.1", "X: y", 414, "target_too_long"),
            ("GET /?q={} HTTP/1.1", "X: y", 414, "target_too_long"),
            ("GET / HTTP/1.1", "X: {}", 431, "head_too_large"),
        ],
    )
    async def test_request_with_a_too_large_head_is_refused(
        self, app: App, request_line: str, header: str, status: int, code: str
    ) -> None:
        size = app.config.REQUEST_MAX_HEADER_SIZE
        head = f"{request_line}\r\nHost: x\r\n{header}\r\n\r\n".format("x" * size).encode()
        assert_refused(await send(app.ctx.base_url, head), status, code, told=head[:50])

    @pytest.mark.parametrize(
        "head",
        [
            b"nonsense",
            b"GET /v1/services\xff HTTP/1.1\r\nHost: x",
            b"GET /v1/services?q=\xff HTTP/1.1\r\nHost: x",
            b"GET /v1/services HTTP/1.1\r\nno colon",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: a miracle",
        ],
    )
    async def test_malformed_request_is_refused_as_bad_request(self, app: App, head: bytes) -> None:
        problem = problem_of(await send(app.ctx.base_url, head + b"\r\n\r\n"))
        assert problem.code == "bad_request"


async def test_request_headers_in_any_bytes_are_accepted_and_stored_as_text(
    app: App, http: httpx.AsyncClient, container: Container
) -> None:
    """The stored part, here the name of the program, is stored as text."""
    person = await register(http)
    body = f'{{"email": "{person.email}", "password": "{PASSWORD}"}}'.encode()
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    odd = b"".join(
        name + b": caf\xe9\r\n" for name in (b"User-Agent", b"Cookie", b"X-Forwarded-For", b"Accept-Encoding")
    )
    answer = await send(app.ctx.base_url, head % len(body) + odd + b"\r\n" + body)
    assert answer.status_code == 200, answer.text
    newest = await container.database["sessions"].find_one({"user_id": person.id}, sort=[("_id", -1)])
    assert newest
    assert newest["device"]["user_agent"] == "caf\ufffd"


class TestHealth:
    async def test_liveness_of_a_running_server_is_ok(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/health/live")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    async def test_readiness_reports_each_dependency(self, http: httpx.AsyncClient) -> None:
        response = await http.get("/health/ready")
        verdict = response.json()
        assert (response.status_code, verdict["ready"]) == (200, True)
        assert set(verdict["dependencies"]) == {"mongodb", "redis", "relay"}
        for name in ("mongodb", "redis"):
            dependency = verdict["dependencies"][name]
            assert (dependency["ok"], dependency["fault"]) == (True, None)
            assert 0 <= dependency["ms"] < 2_000


class TestRequestLog:
    @pytest.fixture
    def lines(self, app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
        """Return the fields of the request's log line, without the message. The fast path has a setting of its own."""
        monkeypatch.setitem(app.config, "ACCESS_LOG_LINES", True)
        monkeypatch.setattr(app.ctx.container.get(FastQueries), "logs_lines", True)
        written: list[dict[str, Any]] = []
        sink = logger.add(lambda message: written.append(message.record["extra"]), level="INFO")
        yield written
        logger.remove(sink)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/health/live", 200),
            ("HEAD", "/health/live", 200),
            ("GET", "/v1/me", 401),
            ("GET", "/nowhere", 404),
            ("PUT", "/v1/me", 405),
            ("GET", "/v1/barbers/nearby", 422),
        ],
    )
    async def test_request_log_has_one_line_for_each_request(
        self, http: httpx.AsyncClient, lines: list[dict[str, Any]], method: str, path: str, status: int
    ) -> None:
        response = await http.request(method, path, params={"secret": "no"} if status == 401 else {})
        (line,) = lines
        assert line["request_id"] == response.headers["x-request-id"]
        assert (line["method"], line["path"], line["status"]) == (method, path, status)
        assert line["ms"] >= 0

    async def test_request_log_names_route_and_actor_of_a_request(
        self, http: httpx.AsyncClient, lines: list[dict[str, Any]]
    ) -> None:
        person = await register(http)
        lines.clear()
        await http.get(f"/v1/bookings/{person.id}", headers=person.auth)
        await http.get("/v1/barbers/nearby", params={"lat": 1, "lng": 1}, headers=person.auth)
        await http.get("/v1/barbers/nearby", params={"lat": 1, "lng": 1}, headers=person.auth)  # by the fast path
        await http.get("/v1/barbers/nearby", params={"lat": 1, "lng": 1})
        await http.get("/v1/admin/users", headers=person.auth)
        routes = ["/v1/bookings/{booking_id}", *["/v1/barbers/nearby"] * 3, "/v1/admin/users"]
        assert [line["route"] for line in lines] == routes
        assert [line["status"] for line in lines] == [404, 200, 200, 200, 403]
        assert lines[0]["path"] == f"/v1/bookings/{person.id}"
        named = [(line.get("actor"), line.get("role")) for line in lines]
        known = (person.id, "customer")
        assert named == [known, known, known, (None, None), known]

    @pytest.mark.parametrize(
        ("method", "path", "route", "status"),
        [
            ("GET", "/docs", "/docs", 200),
            ("GET", "/account", "/account", 200),
            ("GET", "/b/01890a5d-ac96-774b-bcce-b302099a8057", "/b/{booking_id}", 200),
            ("GET", "/jobs/", "/jobs/", 303),
            ("GET", "/jobs/api/queues", "/jobs/api/queues", 401),
            ("GET", "/jobs/login", "/jobs/login", 200),
            ("POST", "/jobs/login", "/jobs/login", 401),
            ("GET", "/v1/files/a-token-of-somebody", "/v1/files/{token}", 404),
        ],
    )
    async def test_request_log_has_pages_and_sign_ins(
        self, http: httpx.AsyncClient, lines: list[dict[str, Any]], method: str, path: str, route: str, status: int
    ) -> None:
        response = await http.request(method, path)
        (line,) = lines
        assert (line["route"], line["status"], response.status_code) == (route, status, status)
        assert line["request_id"] == response.headers["x-request-id"]
        assert line["ms"] > 0
        assert "a-token" not in line["path"]

    async def test_request_log_has_no_credentials_query_or_body(
        self, http: httpx.AsyncClient, lines: list[dict[str, Any]]
    ) -> None:
        secret = "a password that nobody may read"
        await http.post("/v1/auth/login?q=" + "secret-query", json={"email": "a@example.com", "password": secret})
        await http.get("/v1/me", headers={"Authorization": "Bearer secret-token"})
        assert len(lines) == 2
        assert not any(word in str(lines) for word in (secret, "secret-query", "secret-token", "a@example.com"))


async def _connect(app: App) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = httpx.URL(app.ctx.base_url)
    return await asyncio.open_connection(url.host, url.port)
