"""Serve the pages about the API. They hold no data, and call the API like any other client."""

import asyncio
from importlib.resources import files
from typing import Final
from urllib.parse import unquote

import msgspec
from sanic import HTTPResponse, Request

from grome.api_docs.error_catalogue import DocumentedError, list_errors
from grome.api_docs.error_pages import error_index_page, error_page, unknown_error_page
from grome.api_docs.guide import guide_page, guide_text
from grome.api_docs.llms import Json, errors_page, group_page, llms_text
from grome.common.errors import NotFound
from grome.infrastructure.http import container_of
from grome.infrastructure.http.caching import NO_STORE, REVALIDATED
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.responses import ERROR_PAGES, body

_HTML: Final = "text/html; charset=utf-8"
_MARKDOWN: Final = "text/markdown; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HERE: Final = files("grome.api_docs").joinpath("assets")
_ASSETS: Final = {
    file.name: (file.read_bytes(), content_type)
    for file in _HERE.iterdir()
    for suffix, content_type in _TYPES.items()
    if file.name.endswith(suffix)
}
_DOCS: Final = _HERE.joinpath("docs.html").read_bytes()
# Where demo accounts can exist, the page asks for them.
_DOCS_IN_DEVELOPMENT: Final = _DOCS.replace(
    b"</head>", b'<meta name="demo-accounts" content="/docs/demo-accounts">\n</head>', 1
)
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DOCS_POLICY: Final = (
    f"{_POLICY}; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)

api_docs = Pages("api_docs")


@api_docs.get("/docs")
async def docs(request: Request) -> HTTPResponse:
    is_production = container_of(request).settings.env == "production"
    response = body(request, _DOCS if is_production else _DOCS_IN_DEVELOPMENT, 200, _HTML, REVALIDATED)
    response.headers["Content-Security-Policy"] = _DOCS_POLICY
    return response


@api_docs.get("/docs/assets/<name:str>")
async def docs_asset(request: Request, name: str) -> HTTPResponse:
    if name not in _ASSETS:
        raise NotFound("There is no such address.")
    content, content_type = _ASSETS[name]
    return body(request, content, 200, content_type, REVALIDATED)


@api_docs.get("/docs/guide")
async def guide(request: Request) -> HTTPResponse:
    return _page(request, guide_page())


@api_docs.get("/docs/guide.md")
async def guide_in_markdown(request: Request) -> HTTPResponse:
    return body(request, guide_text().encode(), 200, _MARKDOWN, REVALIDATED)


@api_docs.get(ERROR_PAGES)
async def error_index(request: Request) -> HTTPResponse:
    return _page(request, error_index_page(list(_errors(request).values())))


@api_docs.get(f"{ERROR_PAGES}/<code:str>")
async def error_by_code(request: Request, code: str) -> HTTPResponse:
    error = _errors(request).get(code)
    if error is None:
        return _page(request, unknown_error_page(unquote(code)), 404, NO_STORE)
    return _page(request, error_page(error, request.app.config.API_BASE))


@api_docs.get(f"{ERROR_PAGES}.md")
async def errors_in_markdown(request: Request) -> HTTPResponse:
    return body(request, errors_page(_errors(request).values()).encode(), 200, _MARKDOWN, REVALIDATED)


@api_docs.get("/llms.txt")
async def llms(request: Request) -> HTTPResponse:
    text = llms_text(await _document(request), request.app.config.API_BASE, len(_errors(request)))
    return body(request, text.encode(), 200, _TEXT, REVALIDATED)


@api_docs.get("/docs/groups/<file:str>")
async def group_in_markdown(request: Request, file: str) -> HTTPResponse:
    document = await _document(request)
    tag = next((tag for tag in document["tags"] if f"{tag['name']}.md" == file), None)
    if tag is None:
        raise NotFound("There is no such address.")
    page = group_page(document, tag, request.app.config.API_BASE)
    return body(request, page.encode(), 200, _MARKDOWN, REVALIDATED)


def _page(request: Request, page: str, status: int = 200, cache: str = REVALIDATED) -> HTTPResponse:
    response = body(request, page.encode(), status, _HTML, cache)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _errors(request: Request) -> dict[str, DocumentedError]:
    known: dict[str, DocumentedError] | None = getattr(request.app.ctx, "documented_errors", None)
    if known is None:
        known = request.app.ctx.documented_errors = list_errors(request.app.ctx.features)
    return known


async def _document(request: Request) -> Json:
    document: Json = msgspec.json.decode(await asyncio.to_thread(request.app.ctx.openapi))
    return document
