"""The pages that the `type` of a problem leads to."""

import re
from urllib.parse import urlsplit

import httpx
import msgspec
from sanic import Sanic

from config.settings import Settings
from grome.api_docs.error_catalogue import iter_error_types, list_errors
from grome.app import FEATURES, create_app, document
from grome.common.errors import ApiError

ERRORS = list_errors(FEATURES)
OPERATIONS = {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}


def test_every_error_has_a_cause_and_a_remedy_of_its_own() -> None:
    own = [error for error in iter_error_types() if "code" in vars(error) and error.__module__.startswith("grome.")]
    assert len(own) > 100
    assert [error.__name__ for error in own if not error.__doc__ or "remedy" not in vars(error)] == []
    assert len({error.remedy for error in own}) > len(own) / 2
    assert ApiError.__doc__ not in {error.__doc__ for error in own}


def test_operations_that_errors_name_exist() -> None:
    texts = " ".join(f"{error.cause} {error.remedy}" for error in ERRORS.values())
    named = set(re.findall(r"`((?:GET|PUT|POST|PATCH|DELETE) /[^`]*)`", texts))
    assert named
    assert named <= OPERATIONS
    assert [
        error.code for error in ERRORS.values() if not error.cause.endswith(".") or not error.remedy.endswith(".")
    ] == []


async def test_type_of_a_problem_leads_to_the_page_of_its_code(http: httpx.AsyncClient, settings: Settings) -> None:
    problem = (await http.post("/v1/auth/login", json={})).json()
    assert problem["type"] == f"{settings.http.api_base}/docs/errors/{problem['code']}"
    page = await http.get(urlsplit(problem["type"]).path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    error = ERRORS[problem["code"]]
    for part in (error.code, error.title, str(error.status)):
        assert part in page.text
    assert "<script" not in page.text
    assert "style-src 'self'" in page.headers["content-security-policy"]


async def test_index_links_to_a_page_for_each_code_and_nothing_else(http: httpx.AsyncClient) -> None:
    index = await http.get("/docs/errors")
    linked = re.findall(r'href="/docs/errors/(\w+)"', index.text)
    assert linked == list(ERRORS)
    for code in linked[:: len(linked) // 10]:
        page = await http.get(f"/docs/errors/{code}")
        assert page.status_code == 200
        assert set(re.findall(r'href="/docs#(\w+)"', page.text)) == {link.id for link in ERRORS[code].operations}


async def test_unknown_code_is_a_page_with_404_that_escapes_the_code(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs/errors/%3Cb%3Eno_such_code")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "&lt;b&gt;no_such_code" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_base_of_problem_types_is_the_public_url_where_it_is_set(settings: Settings) -> None:
    public = msgspec.structs.replace(settings.http, public_url="https://api.example.com")
    app = create_app(msgspec.structs.replace(settings, http=public))
    Sanic.unregister_app(app)  # else it would be in the way of the next application
    assert app.config.API_BASE == "https://api.example.com"
