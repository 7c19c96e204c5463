"""`/live-demo`: both sides of a visit, live; 404 in production."""

from importlib.resources import files
from typing import Final

from sanic import HTTPResponse, Request

from grome.common.errors import NotFound
from grome.infrastructure.http import container_of
from grome.infrastructure.http.caching import REVALIDATED
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import body

_JAVASCRIPT: Final = "text/javascript; charset=utf-8"
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "img-src 'self' data:; style-src 'self'; script-src 'self'"
)
_HERE: Final = files("grome.dev.live_demo")
_PAGE: Final = _HERE.joinpath("live_demo.html").read_bytes()
_ASSETS: Final = {
    "live_demo.css": (_HERE.joinpath("live_demo.css").read_bytes(), "text/css; charset=utf-8"),
    **{
        name: (_HERE.joinpath(name).read_bytes(), _JAVASCRIPT)
        for name in ("chat.js", "dom.js", "live_demo.js", "map.js", "panel.js", "session.js", "visit.js")
    },
    "grome_live.js": (files("grome.live_client").joinpath("grome_live.js").read_bytes(), _JAVASCRIPT),
}

live_demo = Pages("live_demo", url_prefix="/live-demo")


@live_demo.on_request
async def admit(request: Request) -> None:
    if container_of(request).settings.env == "production":
        raise NotFound("There is no such address.")


@live_demo.on_response  # type: ignore[untyped-decorator]  # Sanic gives types to the other one only
async def add_headers(request: Request, response: HTTPResponse) -> None:
    response.headers.setdefault("X-Request-ID", request_id(request))
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


@live_demo.get("")
async def page(request: Request) -> HTTPResponse:
    return body(request, _PAGE, 200, "text/html; charset=utf-8")


@live_demo.get("/<name:str>")
async def asset(request: Request, name: str) -> HTTPResponse:
    if name not in _ASSETS:
        raise NotFound("There is no such address.")
    content, content_type = _ASSETS[name]
    return body(request, content, 200, content_type, REVALIDATED)
