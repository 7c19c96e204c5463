"""Serve the pages about the API. They hold no data, and call the API like any other client."""

from importlib.resources import files
from typing import Final
from urllib.parse import unquote

from sanic import HTTPResponse, Request

from grome.api_docs.error_catalogue import DocumentedError, list_errors
from grome.api_docs.error_pages import error_index_page, error_page, unknown_error_page
from grome.common.errors import NotFound
from grome.infrastructure.http.caching import NO_STORE, REVALIDATED
from grome.infrastructure.http.csp import csp_hash
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.responses import ERROR_PAGES, body

_HTML: Final = "text/html; charset=utf-8"
_HERE: Final = files("grome.api_docs")
_ASSETS: Final = {
    name: (_HERE.joinpath(name).read_bytes(), "text/css; charset=utf-8") for name in ("base.css", "errors.css")
}
_DOCS: Final = _HERE.joinpath("docs_page.html").read_text()
_POLICY: Final = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DOCS_POLICY: Final = (
    f"{_POLICY}; connect-src 'self'; script-src {csp_hash(_DOCS, 'script')}; style-src {csp_hash(_DOCS, 'style')}"
)
_ERRORS_POLICY: Final = f"{_POLICY}; style-src 'self'"

api_docs = Pages("api_docs")


@api_docs.get("/docs")
async def docs(request: Request) -> HTTPResponse:
    response = body(request, _DOCS.encode(), 200, _HTML, REVALIDATED)
    response.headers["Content-Security-Policy"] = _DOCS_POLICY
    return response


@api_docs.get("/docs/assets/<name:str>")
async def docs_asset(request: Request, name: str) -> HTTPResponse:
    if name not in _ASSETS:
        raise NotFound("There is no such address.")
    content, content_type = _ASSETS[name]
    return body(request, content, 200, content_type, REVALIDATED)


@api_docs.get(ERROR_PAGES)
async def error_index(request: Request) -> HTTPResponse:
    return _errors_page(request, error_index_page(list(_errors(request).values())), 200)


@api_docs.get(f"{ERROR_PAGES}/<code:str>")
async def error_by_code(request: Request, code: str) -> HTTPResponse:
    error = _errors(request).get(code)
    if error is None:
        return _errors_page(request, unknown_error_page(unquote(code)), 404)
    return _errors_page(request, error_page(error, request.app.config.API_BASE), 200)


def _errors_page(request: Request, page: str, status: int) -> HTTPResponse:
    response = body(request, page.encode(), status, _HTML, REVALIDATED if status == 200 else NO_STORE)  # noqa: PLR2004
    response.headers["Content-Security-Policy"] = _ERRORS_POLICY
    return response


def _errors(request: Request) -> dict[str, DocumentedError]:
    known: dict[str, DocumentedError] | None = getattr(request.app.ctx, "documented_errors", None)
    if known is None:
        known = request.app.ctx.documented_errors = list_errors(request.app.ctx.features)
    return known
