"""Declare the routes of a feature. The signature of a handler is decoded, checked and documented."""

import inspect
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import wraps
from types import NoneType
from typing import Annotated, Any, Final, get_type_hints
from uuid import UUID

from msgspec import Meta, Struct
from sanic import Blueprint, Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ADMINS, ANYONE, Actor, Role
from grome.common.clock import Clock
from grome.common.errors import ApiError, Forbidden, Invalid, SecondFactorMissing, StepUpRequired, Unauthenticated
from grome.common.field_faults import FAULT, FaultKind, words
from grome.common.origin import RequestOrigin, origin_of_request
from grome.infrastructure.http.access_log import log_request
from grome.infrastructure.http.admission import spend_limit
from grome.infrastructure.http.caching import NO_STORE
from grome.infrastructure.http.client import client_address
from grome.infrastructure.http.decoding import BodyDecoder, QueryDecoder, decode_all, decode_path
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.request_spans import with_span
from grome.infrastructure.http.responses import ERROR_FORMAT, reply
from grome.infrastructure.logs import request_id_of_lines
from grome.infrastructure.rate_limits.models import LimitClass
from grome.infrastructure.tracing.spans import traceparent

Handler = Callable[..., Coroutine[Any, Any, Any]]
FastAnswer = Callable[[Request], BaseHTTPResponse | None]
IsAnonymous = Callable[[Request], bool]
MAX_KEY: Final = 200
STEP_UP_LIFE: Final = timedelta(minutes=10)
IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY,
        pattern=r"^[\x20-\x7e]+$",
        extra={FAULT: words(FaultKind.NO_KEY, count=MAX_KEY)},
        description="New for each thing the client wants. A repeat with the same body gets the first answer again.",
    ),
]

Answers = dict[int, type[Struct] | str | None]


@dataclass(frozen=True, slots=True)
class Operation:
    """Describes one route for the OpenAPI document.

    `answers` maps statuses to Structs, to None for an empty body, or to a media type other than JSON. `refusals` are
    the errors of the use case; the document adds the common errors. `cache` is the Cache-Control of the answer.
    `at_once` is called before decoding, for the one route where decoding costs more than the answer. `also` selects the
    requests that need no access token, because they bring another secret. With `step_up`, the actor must have proved
    the identity within ten minutes. Roles in `second_factor` must have signed in with a second factor, unless the
    settings turn that off. `limit` is the quota that requests use; by default that of reads for GET, and that of writes
    for other methods.
    """

    tag: str
    method: str
    path: str
    handler: Handler
    who: frozenset[Role]
    status: int
    answers: Answers
    refusals: tuple[type[ApiError], ...]
    cache: str
    at_once: FastAnswer | None
    also: IsAnonymous | None
    step_up: bool
    second_factor: frozenset[Role]
    limit: LimitClass
    hints: dict[str, Any]

    @property
    def path_parts(self) -> dict[str, type[UUID | date | str]]:
        return {name: kind for name, kind in self.hints.items() if f"{{{name}}}" in self.path}


@dataclass(frozen=True)
class Routes:
    """Holds the routes of a feature: a Sanic blueprint, and the operations that document it.

    A handler is `async def name(request, actor, <parts of the path>, body, query, idempotency_key) -> Answer`, with
    only the parameters that it needs. `actor` is None if anyone may call and no token came. `body` and `query` are
    Structs, and parts of the path are UUIDs, dates, or unrestricted strings. A handler returns a Struct, None for 204,
    or a ready response of a kind in `answers`. A handler that has sent the response itself, bit by bit, returns it too.
    `about` describes the routes in one sentence. `is_long_lived` says that handlers hold connections open.
    """

    tag: str
    prefix: str
    about: str
    is_long_lived: bool = False
    operations: list[Operation] = field(default_factory=list)

    @property
    def blueprint(self) -> Blueprint:
        blueprint = Blueprint(self.tag, url_prefix=self.prefix)
        for operation in self.operations:
            blueprint.add_route(
                self._traced(operation),
                _sanic_path(operation.path),
                # Every GET route answers HEAD too (RFC 9110, section 9.1); Sanic leaves the body out.
                methods=[operation.method, *(["HEAD"] if operation.method == "GET" else [])],
                name=operation.handler.__name__,
                error_format=ERROR_FORMAT,
            )
        return blueprint

    def _traced(self, operation: Operation) -> Handler:
        endpoint = _endpoint(operation)
        if self.is_long_lived:  # the span of a connection would end hours later
            return endpoint
        return with_span(endpoint, operation.method, self.prefix + operation.path)

    def get(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401 -- see _declare
        return self._declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401
        return self._declare("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401
        return self._declare("PUT", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401
        return self._declare("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:  # noqa: ANN401
        return self._declare("DELETE", path, **declared)

    def _declare(  # noqa: PLR0913 -- all that a route can say
        self,
        method: str,
        path: str,
        *,
        who: frozenset[Role],
        status: int = 200,
        answers: Answers | None = None,
        refusals: tuple[type[ApiError], ...] = (),
        cache: str = NO_STORE,
        at_once: FastAnswer | None = None,
        also: IsAnonymous | None = None,
        step_up: bool = False,
        second_factor: frozenset[Role] = ADMINS,
        limit: LimitClass | None = None,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            hints = get_type_hints(handler, include_extras=True)
            given = answers or {status: None if hints["return"] is NoneType else hints["return"]}
            self.operations.append(
                Operation(
                    tag=self.tag,
                    method=method,
                    path=path,
                    handler=handler,
                    who=who,
                    status=status,
                    answers=given,
                    refusals=refusals,
                    cache=cache,
                    at_once=at_once,
                    also=also,
                    step_up=step_up,
                    second_factor=second_factor & who,
                    limit=limit or (LimitClass.READ if method == "GET" else LimitClass.WRITE),
                    hints=hints,
                )
            )
            return handler

        return declare


def _sanic_path(path: str) -> str:
    return path.replace("{", "<").replace("}", ":str>")


def _endpoint(operation: Operation) -> Handler:
    handler, hints, status = operation.handler, operation.hints, operation.status
    wanted = inspect.signature(handler).parameters
    kinds, takes_actor, takes_query = operation.path_parts, "actor" in wanted, "query" in hints
    decoders: dict[str, Callable[[Request], Any]] = {"query": QueryDecoder(hints.get("query", _NoQuery))}
    if "idempotency_key" in wanted:
        decoders["idempotency_key"] = _idempotency_key
    if "body" in hints:
        decoders["body"] = BodyDecoder(hints["body"])

    @wraps(handler)
    async def endpoint(request: Request, **path: str) -> BaseHTTPResponse | None:
        request.ctx.started = time.perf_counter()
        if operation.at_once and (ready := operation.at_once(request)):
            log_request(request, ready.status)
            return ready
        lines_before = request_id_of_lines.set(request_id(request))
        origin_before = origin_of_request.set(None)  # a connection answers its requests in the same context
        try:
            given = decode_path(path, kinds)
            actor = await _admit(request, operation)
            origin_of_request.set(_origin(request, actor))
            if takes_actor:
                given["actor"] = actor
            given |= decode_all(request, decoders)
            if not takes_query:
                del given["query"]
            answer = await handler(request, **given)
            response = (
                answer if isinstance(answer, BaseHTTPResponse) else reply(request, answer, status, operation.cache)
            )
        finally:
            request_id_of_lines.reset(lines_before)
            origin_of_request.reset(origin_before)
        log_request(request, response.status)
        return None if request.responded else response

    return endpoint


class _NoQuery(Struct, forbid_unknown_fields=True):
    """A route that takes no query refuses one by name, rather than let a misspelt filter pass for none."""


async def _actor(request: Request, operation: Operation) -> Actor | None:
    who = operation.who
    header = request.headers.get("authorization")
    if header is None:
        if who is ANYONE:
            return None
        raise Unauthenticated
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("The Authorization header is not `Bearer <access token>`.")
    actor: Actor = await request.app.ctx.authenticate(token.strip())
    request.ctx.actor = actor  # for the log
    if who is not ANYONE and actor.role not in who:
        raise Forbidden(f"This is for {' and '.join(sorted(who))} accounts.")
    if actor.role in operation.second_factor and not actor.has_second_factor and request.app.ctx.require_second_factor:
        raise SecondFactorMissing
    if operation.step_up and not has_stepped_up(actor, request.app.ctx.clock):
        raise StepUpRequired
    return actor


async def _admit(request: Request, operation: Operation) -> Actor | None:
    """Return the actor. The request is counted for the rate limit of its account or address, even if it is refused."""
    try:
        actor = None if operation.also and operation.also(request) else await _actor(request, operation)
    except Unauthenticated:
        await spend_limit(request, operation.limit, None)
        raise
    await spend_limit(request, operation.limit, actor)
    return actor


def _origin(request: Request, actor: Actor | None) -> RequestOrigin:
    session_id = actor.session_id if actor else None
    return RequestOrigin(request_id(request), client_address(request) or None, session_id, traceparent())


def has_stepped_up(actor: Actor, clock: Clock) -> bool:
    """Return whether the actor has proved the identity within the last ten minutes."""
    return actor.authenticated_at > clock() - STEP_UP_LIFE


def _idempotency_key(request: Request) -> str | None:
    key: str | None = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise Invalid("Idempotency-Key", words(FaultKind.NO_KEY, count=MAX_KEY))
    return key
