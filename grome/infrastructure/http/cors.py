"""Let pages of other origins call the API (CORS, of the Fetch standard), by the HTTP extension of sanic-ext.

Only the origins of the settings are allowed, and no cookies: pages send access tokens. Without allowed origins nothing
of this is installed, and browsers keep to the API's own pages.
"""

from typing import Any, Final

from sanic import Request, Sanic
from sanic.response import BaseHTTPResponse

from config.sections.servers import HttpSettings
from grome.infrastructure.http.prebuilt import HeaderLines, PrebuiltResponse

# Headers that pages may send and read, beside those that need no permission.
_REQUEST_HEADERS: Final = (
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "x-request-id",
)
_RESPONSE_HEADERS: Final = (
    "age",
    "content-disposition",
    "etag",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
)
_PREFLIGHT_SECONDS: Final = 600
# Middleware of lower priority comes first; that of the extension has 0.
_LAST: Final = 1_000


def allow_origins(app: Sanic[Any, Any], settings: HttpSettings) -> None:
    """Answer preflight requests, and add the headers for the origins of the settings to all responses."""
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    if not origins:
        return
    # Only here: the package is large, and most processes run without it.
    from sanic_ext import Extend  # noqa: PLC0415
    from sanic_ext.extensions.http.extension import HTTPExtension  # noqa: PLC0415

    chosen: dict[str, Any] = {
        "cors_origins": origins,
        "cors_always_send": False,
        "cors_allow_headers": list(_REQUEST_HEADERS),
        "cors_expose_headers": list(_RESPONSE_HEADERS),
        "cors_max_age": _PREFLIGHT_SECONDS,
        "http_all_methods": False,
        "http_auto_head": False,  # every GET route answers HEAD already
    }
    app.register_middleware(vary_by_origin, "response", priority=_LAST)
    Extend(app, extensions=[HTTPExtension], built_in_extensions=False, config=chosen)


async def vary_by_origin(request: Request, response: BaseHTTPResponse) -> None:
    """Let caches tell the answers for different origins apart.

    The extension replaces `Vary`, and leaves it out for origins that are not allowed.
    """
    before: str = getattr(request.ctx, "vary", "")
    response.headers["vary"] = f"{before}, Origin" if before else "Origin"


def remember_vary(request: Request, response: BaseHTTPResponse) -> None:
    """Keep the value that a route has set, before the extension replaces it."""
    if not isinstance(response, PrebuiltResponse):
        request.ctx.vary = response.headers.get("vary", "")


def origin_headers(context: Any, origin: str | None) -> HeaderLines:  # noqa: ANN401 -- Sanic's, of any fields
    """Return the headers that a response to a page of this origin has, as the extension writes them.

    `context` is that of the application.
    """
    settings = getattr(context, "cors", None)
    if settings is None:
        return ()
    vary = (b"vary", b"Origin")
    if origin is None or not any(allowed.match(origin) for allowed in settings.allow_origins):
        return (vary,)
    exposed = ",".join(settings.expose_headers).encode()
    return (
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-expose-headers", exposed),
        vary,
    )
