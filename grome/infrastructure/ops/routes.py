"""Routes for operators and developers: health, metrics, the OpenAPI and the AsyncAPI document."""

import asyncio
import hmac

from prometheus_client import CONTENT_TYPE_LATEST
from sanic import HTTPResponse, Request
from sanic.response import BaseHTTPResponse, redirect

from grome.common.actor import ADMINS, ANYONE
from grome.infrastructure.http import LimitClass, Routes, container_of, reply
from grome.infrastructure.http.caching import REVALIDATED
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import JSON, body
from grome.infrastructure.http.stopping import is_leaving
from grome.infrastructure.ops.health import check
from grome.infrastructure.ops.metrics import metrics
from grome.infrastructure.ops.schemas import Live, Ready

ops = Routes("ops", "", about="Health and metrics, for load balancers and monitoring.")
pages = Pages("pages")


@ops.get("/health/live", who=ANYONE, limit=LimitClass.UNLIMITED)
async def live(_request: Request) -> Live:
    """Answer that the process is alive.

    Dependencies are not checked, so that an orchestrator does not restart the process because of their faults.
    """
    return Live()


@ops.get("/health/ready", who=ANYONE, limit=LimitClass.UNLIMITED, answers={200: Ready, 503: Ready})
async def ready(request: Request) -> BaseHTTPResponse:
    """Report the state of each dependency.

    503 with the same body means that a required dependency does not work, or that the process is about to stop.
    Requests still succeed while it stops.
    """
    verdict = await check(container_of(request), is_stopping=is_leaving(request.app))
    return reply(request, verdict, 200 if verdict.ready else 503)


def brings_secret(request: Request) -> bool:
    """Return whether the request carries GROME_HTTP_METRICS_TOKEN, compared in constant time."""
    wanted = container_of(request).settings.http.metrics_token
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(sent.strip().encode(errors="surrogateescape"), wanted.encode())
    return bool(wanted) and scheme.lower() == "bearer" and same


@ops.get("/metrics", who=ADMINS, limit=LimitClass.UNLIMITED, also=brings_secret, answers={200: "text/plain"})
async def read_metrics(request: Request) -> BaseHTTPResponse:
    """Read metrics of processes, requests, jobs and the relay in Prometheus's text format.

    Needs an admin's access token, or the secret of `GROME_HTTP_METRICS_TOKEN` in its place.
    """
    return body(request, await metrics(container_of(request)), 200, CONTENT_TYPE_LATEST)


@pages.get("/openapi.json")
async def openapi(request: Request) -> HTTPResponse:
    return body(request, await asyncio.to_thread(request.app.ctx.openapi), 200, JSON, REVALIDATED)


@pages.get("/asyncapi.json")
async def asyncapi(request: Request) -> HTTPResponse:
    return body(request, await asyncio.to_thread(request.app.ctx.asyncapi), 200, JSON, REVALIDATED)


@pages.get("/")
async def front_door(request: Request) -> HTTPResponse:
    return redirect("/docs", {"X-Request-ID": request_id(request)}, status=307)
