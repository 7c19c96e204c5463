"""The Sanic application: an explicit list of blueprints, listeners, and one error handler."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Any

import orjson
from loguru import logger
from sanic import HTTPResponse, Request, Sanic
from sanic import exceptions as sanic_errors
from sanic.constants import HTTPMethod

from config.settings import Settings
from grome import installed_version
from grome.account_page.routes import account_page
from grome.accounts.routes import auth, me, well_known
from grome.accounts.verifier import Verifier
from grome.adjustments.routes import adjustments
from grome.any_barber.routes import any_barber
from grome.api_docs.document import EXAMPLE_DAY, api_document
from grome.api_docs.routes import api_docs
from grome.app_links.routes import app_links
from grome.audit.routes import audit
from grome.availability.routes import availability
from grome.barbers.routes import barbers, commissions
from grome.bookings.routes import bookings
from grome.calendar_feeds.routes import calendar
from grome.catalogue.routes import services
from grome.chat.routes import chat
from grome.common.clock import Clock, system_clock
from grome.common.errors import (
    ApiError,
    BadRequest,
    BodyTooLarge,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)
from grome.composition import open_container
from grome.console.routes import dashboard
from grome.dev.demo_accounts.routes import demo_accounts
from grome.dev.live_demo.routes import live_demo
from grome.dev.mailbox.routes import mailbox
from grome.dev.pay_demo.routes import pay_demo
from grome.factors.routes import factors
from grome.favourites.routes import favourites
from grome.infrastructure.collector import collect_garbage_rarely
from grome.infrastructure.container import Container
from grome.infrastructure.http import Routes, problem
from grome.infrastructure.http.access_log import log_request, path_to_log, route_to_log
from grome.infrastructure.http.cors import allow_origins
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.proxies import TrustedProxies
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.request_spans import lines_of_trace
from grome.infrastructure.http.standard_headers import security_headers
from grome.infrastructure.http.stopping import stop_in_steps
from grome.infrastructure.jobs.routes import jobs
from grome.infrastructure.logs import configure_logging, log_start
from grome.infrastructure.mongo.client import is_transient_fault
from grome.infrastructure.observers import start_observing
from grome.infrastructure.ops.routes import ops, pages
from grome.infrastructure.redis.client import TRANSIENT_FAULTS
from grome.infrastructure.storage.routes import files
from grome.infrastructure.telemetry.catalogue import REFUSALS
from grome.ledger.routes import ledger
from grome.nearby.routes import nearby
from grome.notifications.routes import notifications, unsubscribe
from grome.payments.inbox.routes import stripe_webhook
from grome.payments.routes import payments
from grome.payouts.routes import payouts
from grome.people.routes import people
from grome.photos.routes import photo_files, photos
from grome.privacy.routes import privacy
from grome.promos.routes import promos
from grome.quotes.routes import quotes
from grome.realtime.asyncapi import asyncapi_document
from grome.realtime.connections import LiveConnections
from grome.realtime.routes import live
from grome.receipts.routes import receipts
from grome.reconciliation.routes import reconciliation
from grome.reports.routes import reports
from grome.reviews.routes import reviews
from grome.series.routes import series
from grome.tracking.routes import tracking
from grome.uploads.routes import uploads
from grome.verification.routes import verification, verifications
from grome.waitlist.routes import waitlist
from grome.walk_ins.routes import walk_ins
from grome.webhooks.routes import webhooks

FEATURES: tuple[Routes, ...] = (
    auth,
    me,
    well_known,
    factors,
    nearby,
    barbers,
    commissions,
    availability,
    services,
    bookings,
    any_barber,
    quotes,
    series,
    tracking,
    waitlist,
    walk_ins,
    calendar,
    reviews,
    favourites,
    promos,
    payments,
    payouts,
    adjustments,
    receipts,
    ledger,
    reports,
    chat,
    uploads,
    privacy,
    verification,
    verifications,
    photos,
    notifications,
    live,
    webhooks,
    stripe_webhook,
    audit,
    people,
    reconciliation,
    jobs,
    ops,
)
_PAGES: tuple[Pages, ...] = (
    pages,
    api_docs,
    unsubscribe,
    app_links,
    account_page,
    files,
    photo_files,
    dashboard,
    demo_accounts,
    mailbox,
    pay_demo,
    live_demo,
)

# Routes of processes that hold live connections only (GROME_HTTP_SERVES=live).
_LIVE: tuple[Routes, ...] = (live, ops)

App = Sanic[Any, Any]


def document(server: str = "/", today: date = EXAMPLE_DAY) -> dict[str, Any]:
    """The OpenAPI document of this version."""
    return api_document(FEATURES, version=installed_version(), server=server, today=today)


def live_document() -> dict[str, Any]:
    """The AsyncAPI document of this version."""
    return asyncapi_document(title="Grome live", version=installed_version())


def create_app(settings: Settings, clock: Clock = system_clock) -> App:
    """An application ready to be served; it opens its clients when a worker starts."""
    configure_logging(settings.log)
    observers = start_observing(settings)
    app = _new_app("grome", settings, clock)
    app.ctx.observers = observers
    allow_origins(app, settings.http)
    # Built at the first request, because it takes as long as some thousand requests.
    app.ctx.openapi = cache(lambda: orjson.dumps(document(settings.http.api_base, clock().date())))
    app.ctx.asyncapi = cache(lambda: orjson.dumps(live_document()))
    app.ctx.features = FEATURES
    serves = settings.http.serves
    for feature in _LIVE if serves == "live" else FEATURES:
        if feature is not live or serves != "api":
            app.blueprint(feature.blueprint)
    if serves != "live":
        for blueprint in _PAGES:
            app.blueprint(blueprint)

    @app.before_server_start
    async def open_context(app: App) -> None:
        log_start(settings.env, "API worker")
        container = await open_container(settings, clock)
        _use(app, container)
        if serves != "api":
            container.get(LiveConnections)  # reads the bus from now on, so that a restart loses no position
        collect_garbage_rarely()

    async def drain_live_connections() -> None:
        if serves != "api":
            await app.ctx.container.get(LiveConnections).drain()

    stop_in_steps(app, settings.http, drain_live_connections)

    @app.after_server_stop
    async def close_context(app: App) -> None:
        await app.ctx.container.close()
        await asyncio.to_thread(observers.close)

    return app


def create_operations_app(container: Container) -> App:
    """An application with health and metrics only, for a process without an API that has opened its clients."""
    app = _new_app("grome-operations", container.settings, container.clock)
    app.config.TOUCHUP = False  # Sanic's rewriting of its own source is for its own process manager
    app.blueprint(ops.blueprint)
    _use(app, container)
    return app


def _new_app(name: str, settings: Settings, clock: Clock) -> App:
    app = Sanic(name, configure_logging=False, strict_slashes=True, dumps=orjson.dumps, loads=orjson.loads)
    app.config.update(
        REQUEST_MAX_SIZE=settings.http.max_body_bytes,
        REQUEST_MAX_HEADER_SIZE=16_384,
        REQUEST_TIMEOUT=20,
        RESPONSE_TIMEOUT=30,
        KEEP_ALIVE_TIMEOUT=75,  # longer than the usual idle time of load balancers, so that they close first
        WEBSOCKET_MAX_SIZE=settings.live.max_message_bytes,
        ACCESS_LOG=False,
        ACCESS_LOG_LINES=settings.http.access_log,
        API_BASE=settings.http.api_base.rstrip("/"),
        GZIP_MIN_BYTES=settings.http.gzip_min_bytes,
        MOTD=False,
        AUTO_EXTEND=False,  # sanic-ext would add routes of its own as soon as it is installed
        SECURITY_HEADERS=security_headers(settings.http),
    )
    app.ctx.proxies = TrustedProxies(settings.http)
    app.ctx.clock, app.ctx.require_second_factor = clock, settings.accounts.require_second_factor
    app.exception(Exception)(answer_error)
    return app


def _use(app: App, container: Container) -> None:
    app.ctx.container, app.ctx.authenticate = container, container.get(Verifier).get_actor
    REFUSALS.add(InternalError.code, by=0)  # so that Prometheus sees the first one as a rise


async def answer_error(request: Request, error: Exception) -> HTTPResponse:
    """Answer an ApiError with its status, a transient fault with 503, and any other error with 500."""
    refusal = _refusal_for(request, error)
    with lines_of_trace(request):
        line = logger.bind(request_id=request_id(request), route=route_to_log(request))
        if isinstance(refusal, InternalError):
            line.opt(exception=error).error("{} {}", request.method, path_to_log(request))
        elif isinstance(refusal, Unavailable):
            line.warning("{} {}: {!r}", request.method, path_to_log(request), error)
        log_request(request, refusal.status)
    REFUSALS.add(refusal.code)
    return problem(request, refusal)


def _refusal_for(request: Request, error: Exception) -> ApiError:  # noqa: PLR0911 -- a table, one row a kind
    match error:
        case ApiError():
            return error
        case sanic_errors.NotFound():
            return NotFound("There is no such address.")
        case sanic_errors.MethodNotAllowed():
            return MethodNotAllowed(headers={"Allow": ", ".join(_allowed_methods(request))})
        case sanic_errors.PayloadTooLarge():
            return BodyTooLarge()
        case sanic_errors.ServiceUnavailable():
            return Unavailable()
        case sanic_errors.SanicException() if error.status_code < 500:  # noqa: PLR2004 -- the class of 4xx
            return BadRequest(error.status_code, str(error))
        case _ if is_transient_fault(error) or isinstance(error, TRANSIENT_FAULTS):
            return Unavailable()
        case _:
            return InternalError()


def _allowed_methods(request: Request) -> Iterator[str]:
    """Return the methods of the path. Sanic's own error lacks them if a path with an id has several handlers."""
    for method in HTTPMethod:
        with suppress(sanic_errors.NotFound, sanic_errors.MethodNotAllowed):
            request.app.router.get(request.path, method.value, None)
            yield method.value
