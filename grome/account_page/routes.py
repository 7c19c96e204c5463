"""Serve `/account` and its scripts. The page holds no data: it calls the API like any other client."""

import asyncio
from typing import Final

from sanic import HTTPResponse, Request

from grome.account_page.page import HERE, POLICY, account_page_in
from grome.common.errors import NotFound
from grome.common.languages import LANGUAGES
from grome.infrastructure.http.accept_language import preferred_language
from grome.infrastructure.http.caching import REVALIDATED
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import body

_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_ASSETS: Final = {
    file.name: (file.read_bytes(), content_type)
    for file in HERE.iterdir()
    for suffix, content_type in _TYPES.items()
    if file.name.endswith(suffix)
}

account_page = Pages("account_page", url_prefix="/account")


@account_page.on_response  # type: ignore[untyped-decorator]  # Sanic gives types to the other one only
async def add_headers(request: Request, response: HTTPResponse) -> None:
    response.headers.setdefault("X-Request-ID", request_id(request))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


@account_page.get("")
async def page(request: Request) -> HTTPResponse:
    language = preferred_language(request.headers.get("accept-language"), LANGUAGES)
    response = body(request, await asyncio.to_thread(account_page_in, language), 200, "text/html; charset=utf-8")
    response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary", ""), "Accept-Language"]))
    response.headers["Content-Language"] = language
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@account_page.get("/<name:str>")
async def asset(request: Request, name: str) -> HTTPResponse:
    if name not in _ASSETS:
        raise NotFound("There is no such address.")
    content, content_type = _ASSETS[name]
    return body(request, content, 200, content_type, REVALIDATED)
