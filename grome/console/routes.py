"""`/jobs/`: SAQ's dashboard for admins. Script and style come from SAQ; routes and access control are here."""

from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Final
from urllib.parse import parse_qsl, unquote

from loguru import logger
from msgspec import Struct
from sanic import HTTPResponse, Request
from sanic.response import redirect
from saq.job import Job
from saq.queue.redis import RedisQueue
from saq.web.common import job_dict

from grome.accounts.errors import Challenge, SecondFactorRequired, WrongCredentials
from grome.accounts.models import Device
from grome.accounts.schemas import Tokens
from grome.accounts.sessions import SessionService
from grome.common.errors import ApiError, Invalid, NotFound, SecondFactorMissing, TooManyRequests, Unauthenticated
from grome.console.errors import ForeignRequest, JobEnded
from grome.console.pages import (
    DASHBOARD_PAGE,
    DASHBOARD_POLICY,
    DEAD_POLICY,
    LOGIN_POLICY,
    SECOND_STEP_POLICY,
    dashboard_assets,
    dead_page,
    login_page,
    query_string,
    second_step_page,
)
from grome.console.sign_in import complete_sign_in, find_operator, is_same_origin, sign_in
from grome.factors.errors import ChallengeRefused, PasskeyRefused, WrongFactor
from grome.factors.models import FactorKind
from grome.factors.second_step import SecondStep
from grome.infrastructure.http import LimitClass, container_of, resolve
from grome.infrastructure.http.admission import spend_limit
from grome.infrastructure.http.client import client_address, user_agent
from grome.infrastructure.http.decoding import QueryDecoder
from grome.infrastructure.http.pages import Pages
from grome.infrastructure.http.paging import Cursor
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.http.responses import JSON, body, encode
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.schemas import JobOut, JobQuery, KindName

PREFIX: Final = "/jobs"
HOME: Final = f"{PREFIX}/"
LOGIN: Final = f"{PREFIX}/login"
DEAD: Final = f"{PREFIX}/dead"
ACCESS: Final = "grome_jobs_access"
REFRESH: Final = "grome_jobs_refresh"
MAX_JOBS_SHOWN: Final = 100
DEAD_PAGE_SIZE: Final = 50
_NO_ADMIN: Final = "These are not the email and password of an admin."
_NO_FACTOR: Final = "Add a second factor to your account first, on the page /account."
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

dashboard = Pages("dashboard", url_prefix=PREFIX)


@dashboard.on_request
async def admit(request: Request) -> HTTPResponse | None:
    """Admit admins only, except to routes marked open.

    An API call without a session gets 401; a page redirects to the login.
    """
    if request.route and getattr(request.route.ctx, "open", False):
        return None
    access, refresh = (request.cookies.get(name) or "" for name in (ACCESS, REFRESH))
    try:
        request.ctx.actor, request.ctx.renewed = await find_operator(container_of(request), access, refresh)
    except Unauthenticated:
        if request.path.startswith(f"{PREFIX}/api/"):
            raise
        return redirect(LOGIN, status=303)
    return None


def _json(request: Request, value: object) -> HTTPResponse:
    """Build a response with editable headers; `reply` would build one that `add_headers` cannot extend."""
    return body(request, encode(value), 200, JSON)


@dashboard.on_response  # type: ignore[untyped-decorator]  # Sanic gives types to the other one only
async def add_headers(request: Request, response: HTTPResponse) -> None:
    """Add headers and renewed tokens to every response, errors included."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Request-ID", request_id(request))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"  # under `no-referrer` a form's Origin header would say `null`
    if renewed := getattr(request.ctx, "renewed", None):
        _set_token_cookies(request, response, renewed)


@dashboard.get("/login", ctx_open=True)
async def show_login(request: Request) -> HTTPResponse:
    return _html(request, login_page(), LOGIN_POLICY)


@dashboard.post("/login", ctx_open=True)
async def login(request: Request) -> HTTPResponse:
    if request.headers.keys() & {"origin", "sec-fetch-site"}:  # every browser sends one of them; other clients need not
        _refuse_foreign(request)
    form = _form(request)
    device = Device(
        name="Jobs dashboard",
        user_agent=user_agent(request),
        ip=client_address(request),
    )
    try:
        await spend_limit(request, LimitClass.SIGN_IN, None)
        tokens = await sign_in(container_of(request), form.get("email", ""), form.get("password", ""), device)
    except SecondFactorRequired as asked:
        return await _second_step(request, asked.challenge)
    except ApiError as refusal:
        return _html(request, login_page(_told(refusal)), LOGIN_POLICY, refusal.status)
    return _signed_in(request, tokens)


@dashboard.post("/login/second-step", ctx_open=True)
async def second_step(request: Request) -> HTTPResponse:
    """Complete a login by a code or a passkey. A wrong proof shows the form again while its challenge is valid."""
    if request.headers.keys() & {"origin", "sec-fetch-site"}:
        _refuse_foreign(request)
    form = _form(request)
    try:
        await spend_limit(request, LimitClass.SIGN_IN, None)
        tokens = await complete_sign_in(container_of(request), form)
    except (WrongFactor, PasskeyRefused, TooManyRequests) as refusal:
        challenge = await resolve(request, SecondStep).find_challenge(form.get("challenge", ""))
        if challenge:
            return await _second_step(request, challenge, refusal)
        return _html(request, login_page(ChallengeRefused.title), LOGIN_POLICY, ChallengeRefused.status)
    except ApiError as refusal:
        return _html(request, login_page(_told(refusal)), LOGIN_POLICY, refusal.status)
    return _signed_in(request, tokens)


async def _second_step(request: Request, challenge: Challenge, refusal: ApiError | None = None) -> HTTPResponse:
    passkey = None
    if FactorKind.PASSKEY in challenge.kinds:
        passkey = await resolve(request, SecondStep).begin_passkey(challenge.challenge)
    page, status = second_step_page(challenge, passkey, refusal.title if refusal else ""), 401
    return _html(request, page, SECOND_STEP_POLICY, refusal.status if refusal else status)


def _told(refusal: ApiError) -> str:
    if isinstance(refusal, SecondFactorMissing):
        return _NO_FACTOR
    return _NO_ADMIN if isinstance(refusal, WrongCredentials) else refusal.title


def _signed_in(request: Request, tokens: Tokens) -> HTTPResponse:
    response = redirect(HOME, status=303)
    _set_token_cookies(request, response, tokens)
    return response


@dashboard.post("/logout")
async def logout(request: Request) -> HTTPResponse:
    _refuse_foreign(request)
    await resolve(request, SessionService).logout(request.ctx.actor)
    request.ctx.renewed = None  # or `finish` would set the cookies that are cleared here
    response = redirect(LOGIN, status=303)
    for name in (ACCESS, REFRESH):
        _set_cookie(request, response, name, "", max_age=0)
    return response


@dashboard.get("/static/<name:str>", ctx_open=True)
async def asset(request: Request, name: str) -> HTTPResponse:
    assets = dashboard_assets()
    if name not in assets:
        raise NotFound
    response = body(request, assets[name], 200, _TYPES[PurePath(name).suffix])
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@dashboard.get("")
async def front(_request: Request) -> HTTPResponse:
    return redirect(HOME, status=303)


@dashboard.get("/", name="home")
@dashboard.get("/queues/<queue:str>", name="queue_page")
@dashboard.get("/queues/<queue:str>/jobs/<key:str>", name="job_page")
async def page(request: Request, **_path: str) -> HTTPResponse:
    """Serve the same page on all three routes: its script reads the path."""
    return _html(request, DASHBOARD_PAGE, DASHBOARD_POLICY)


class _DeadQuery(Struct, frozen=True, forbid_unknown_fields=True):
    kind: KindName | None = None
    cursor: Cursor | None = None


_decode_dead = QueryDecoder(_DeadQuery)


@dashboard.get("/dead")
async def dead_letters(request: Request) -> HTTPResponse:
    return await _dead_page(request, _dead_query(request))


@dashboard.post("/dead")
async def decide(request: Request) -> HTTPResponse:
    """Retry or drop a dead job, then show the same page of the list, with the reason if it failed."""
    _refuse_foreign(request)
    query, form, admin = _dead_query(request), _form(request), resolve(request, JobAdmin)
    actions = {"retry": admin.retry, "drop": admin.drop}
    if form.get("action") not in actions:
        raise Invalid("action", "is neither retry nor drop")
    try:
        await _decide(request, actions[form["action"]], form.get("id", ""))
    except ApiError as refusal:
        return await _dead_page(request, query, refusal)
    return redirect(f"{DEAD}?{query_string(query)}", status=303)


@dashboard.get("/api/queues")
async def queues(request: Request) -> HTTPResponse:
    return _json(request, {"queues": [await queue.info() for queue in resolve(request, Queues).values()]})


@dashboard.get("/api/queues/<name:str>")
async def queue(request: Request, name: str) -> HTTPResponse:
    info = await _queue(request, name).info(jobs=True, limit=MAX_JOBS_SHOWN)
    # As text: the page's script would read an object as attributes of the table's cell, `innerHTML` included.
    info["jobs"] = [{**job, "kwargs": str(job.get("kwargs", ""))} for job in info["jobs"]]
    return _json(request, {"queue": info})


@dashboard.get("/api/queues/<name:str>/jobs/<key:str>")
async def job(request: Request, name: str, key: str) -> HTTPResponse:
    return _json(request, {"job": job_dict(await _job(request, name, key))})


@dashboard.post("/api/queues/<name:str>/jobs/<key:str>/retry")
async def retry(request: Request, name: str, key: str) -> HTTPResponse:
    """Retry a message; for a durable job, which is stored in MongoDB, reset the tries of the job."""
    _refuse_foreign(request, content_type=JSON)
    wanted = await _job(request, name, key)
    if durable := _durable_id(wanted):
        await _decide(request, resolve(request, JobAdmin).retry, durable)
        return _json(request, {})
    await wanted.retry("retried from the dashboard")
    return _done(request, wanted)


@dashboard.post("/api/queues/<name:str>/jobs/<key:str>/abort")
async def abort(request: Request, name: str, key: str) -> HTTPResponse:
    """Abort a message; a durable job is dropped first, or its record would be enqueued again."""
    _refuse_foreign(request, content_type=JSON)
    wanted = await _job(request, name, key)
    if durable := _durable_id(wanted):
        await _decide(request, resolve(request, JobAdmin).drop, durable)
        if wanted.completed:
            return _json(request, {})
    elif wanted.completed:
        raise JobEnded
    await wanted.abort("aborted from the dashboard")
    return _done(request, wanted)


def _queue(request: Request, name: str) -> RedisQueue:
    queues = resolve(request, Queues)
    if name not in queues:
        raise NotFound("There is no such queue.")
    return queues[Queue(name)]


async def _job(request: Request, name: str, key: str) -> Job:
    found = await _queue(request, name).job(unquote(key))
    if found is None:
        raise NotFound("There is no such job; SAQ forgets a job some minutes after it ended.")
    return found


async def _decide(request: Request, decision: Callable[[str, str], Awaitable[JobOut]], job_id: str) -> None:
    with logger.contextualize(request_id=request_id(request)):
        await decision(str(request.ctx.actor.id), job_id)


def _durable_id(message: Job) -> str | None:
    """Return the id of the stored job, or None for the message of a cron entry."""
    found = (message.kwargs or {}).get("job_id")
    return found if isinstance(found, str) else None


def _dead_query(request: Request) -> JobQuery:
    sent: _DeadQuery = _decode_dead(request)
    return JobQuery(kind=sent.kind, cursor=sent.cursor, limit=DEAD_PAGE_SIZE)


async def _dead_page(request: Request, query: JobQuery, refusal: ApiError | None = None) -> HTTPResponse:
    page = await resolve(request, JobAdmin).page(query)
    told, status = (str(refusal), refusal.status) if refusal else ("", 200)
    return _html(request, dead_page(query, page, told), DEAD_POLICY, status)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace")))


def _done(request: Request, job: Job) -> HTTPResponse:
    line = logger.bind(request_id=request_id(request), actor=str(request.ctx.actor.id))
    line.info("Job {} of queue {} was {}", job.key, job.get_queue().name, job.error)
    return _json(request, {})


def _refuse_foreign(request: Request, *, content_type: str | None = None) -> None:
    """Raises ForeignRequest for other origins, and for another content type than `content_type`.

    A form of another site cannot send JSON.
    """
    sent_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not is_same_origin(request.headers, request.host) or content_type not in {None, sent_type}:
        raise ForeignRequest


def _html(request: Request, page: str, policy: str, status: int = 200) -> HTTPResponse:
    response = body(request, page.encode(), status, "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    return response


def _set_token_cookies(request: Request, response: HTTPResponse, tokens: Tokens) -> None:
    longest = container_of(request).settings.accounts.idle_ttl_s
    _set_cookie(request, response, ACCESS, tokens.access_token, max_age=tokens.expires_in)
    _set_cookie(request, response, REFRESH, tokens.refresh_token, max_age=longest)


def _set_cookie(request: Request, response: HTTPResponse, name: str, value: str, *, max_age: int) -> None:
    secure = request.scheme == "https" or container_of(request).settings.env == "production"
    response.add_cookie(
        name,
        value,
        path=PREFIX,
        secure=secure,
        secure_prefix=secure,  # no page without TLS can set it; Sanic reads it without the prefix
        httponly=True,
        samesite="Strict",
        max_age=max_age,
    )
