"""Log one line for each request: enough to find it again by its id, and nothing of its content."""

import re
import time
from functools import lru_cache
from typing import Any, Final, NamedTuple

from loguru import logger
from sanic import Request
from sanic.response import BaseHTTPResponse
from sanic.router import Router

from grome.common.actor import Actor
from grome.common.addresses import network_of
from grome.infrastructure.http.client import client_address
from grome.infrastructure.http.request_id import request_id

# A UUID, a date, or an id of a job, which has several parts.
_OUR_ID: Final = re.compile(r"[0-9a-f-]{36}|\d{4}-\d\d-\d\d|[\w.-]{1,40}(?:(?::|%3a)[\w.-]{1,40})+", re.IGNORECASE)
_OUR_NAME: Final = re.compile(r"[a-z0-9_.-]{0,30}", re.IGNORECASE)
_ROUTELESS_PARTS: Final = 3  # e.g. `/v1/bookings`
_PARAMETER: Final = re.compile(r"<(\w+)(?::[^>]*)?>")


class Target(NamedTuple):
    """The addressed operation. `route` has the names of parameters, `path` their values; None if no route matched."""

    method: str
    path: str
    route: str | None


def log_request(request: Request, status: int) -> None:
    """Log the request, unless its line has been written."""
    context = request.ctx
    if not request.app.config.ACCESS_LOG_LINES or getattr(context, "is_logged", False):
        return
    context.is_logged = True
    target = Target(request.method, path_to_log(request), route_to_log(request))
    # Both are absent where no route took the request.
    actor, started = getattr(context, "actor", None), getattr(context, "started", None)
    log_response(request_id(request), target, status, started, client_address(request), actor)


def log_response(
    known_as: str, target: Target, status: int, started: float | None, address: str, actor: Actor | None
) -> None:
    """Log a request by its id. The actor is named by id and role.

    Of the client's address only the network is logged, a /24 or a /64, since an address is personal data.
    """
    method, path, route = target
    spent = round((time.perf_counter() - started) * 1000, 2) if started else 0.0
    extra: dict[str, Any] = {
        "request_id": known_as,
        "method": method,
        "path": path,
        "route": route,
        "status": status,
        "ms": spent,
        "network": network_of(address),
    }
    if actor is not None:
        extra["actor"], extra["role"] = actor.id, actor.role
    logger.bind(**extra).info(f"{method} {path} {status}")


def start_clock(request: Request) -> None:
    """Note when a request for a page began, as the factory of the API's handlers does for theirs."""
    request.ctx.started = time.perf_counter()


def log_page(request: Request, response: BaseHTTPResponse) -> None:
    """Log a request for a page, once its response begins."""
    log_request(request, response.status)


def path_to_log(request: Request) -> str:
    """Return the path without tokens and personal data.

    Of parameters only ids and dates are left. Of a path without a route the beginning, ids, and words of other routes
    are left, because the rest can be anything, for example a token that works in the corrected address.
    """
    parts = request.path.split("/")
    if request.route is None:
        words = _words_of(request.app.router)
        start = [part if _OUR_NAME.fullmatch(part) else "…" for part in parts[:_ROUTELESS_PARTS]]
        rest = [part if part in words or _OUR_ID.fullmatch(part) else "…" for part in parts[_ROUTELESS_PARTS:]]
        return "/".join([*start, *rest])
    given = set(map(str, request.match_info.values()))
    return "/".join(part if part not in given or _OUR_ID.fullmatch(part) else "…" for part in parts)


def route_to_log(request: Request) -> str | None:
    """Return the template of the path, or None if no route matched."""
    return template_of(request.route.path) if request.route else None


@lru_cache(maxsize=8)
def _words_of(router: Router) -> frozenset[str]:
    """Return the fixed parts of all paths."""
    return frozenset(part for route in router.routes for part in route.path.split("/") if not part.startswith("<"))


@lru_cache(maxsize=1_000)
def template_of(path: str) -> str:
    """`v1/bookings/<booking_id:str>` of Sanic is `/v1/bookings/{booking_id}` of OpenAPI."""
    return "/" + _PARAMETER.sub(r"{\1}", path)
