"""A user with an account that checks the content of each response beside its status."""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import BoundedSemaphore, Lock
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec
from locust import FastHttpUser
from locust.contrib.fasthttp import ResponseContextManager
from locust.exception import RescheduleTask
from msgspec import Struct
from promises import Broken, Point, Problem, SignedIn, Tokens, hold

T = TypeVar("T")
logger = logging.getLogger(__name__)

RENEW_AFTER: Final = 0.8  # of an access token's life: with three of its fifteen minutes left
PATIENCE_S: Final = 5.0  # until somebody whose first steps failed tries them again
# A password hash costs a quarter of a second of CPU by intent. Waiting in the queue here is not measured. Waiting at
# the host is measured, and makes the others wait too.
_SIGN_UPS: Final = BoundedSemaphore(2)
_told: set[str] = set()


class Ask(Struct, frozen=True):
    """A request, and how it may be answered. Locust counts it under `name`, since paths hold ids.

    `lost` is the code of a 409 that is nobody's fault, because somebody else was faster.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    name: str
    body: object = None
    idempotency_key: str | None = None
    status: int = HTTPStatus.OK
    lost: str | None = None


class Person(FastHttpUser):
    """Registers, renews its access token in time, and checks every response against the promises of the API.

    `arrive` runs before the first task; after a failure it starts again after a while.
    """

    abstract = True
    role: Literal["customer", "barber"]

    id: UUID
    centre: Point
    _tokens: Tokens
    _renew_at: float
    _renewing: Lock

    def on_start(self) -> None:
        options = self.environment.parsed_options
        self.centre = Point(options.lat, options.lng)
        self._renewing = Lock()
        while True:
            try:
                self._register()
                self.arrive()
            except RescheduleTask:
                time.sleep(PATIENCE_S)  # others go on: Locust replaces it by gevent's
            else:
                return

    def arrive(self) -> None:
        """The tasks of this kind of user after the registration."""

    @contextmanager
    def asking(self, ask: Ask, promised: type[T]) -> Iterator[T]:
        """Decode the response as the promised type. If a check in the block raises Broken, the request has failed.

        A failure ends the task. So does a lost race, which counts as a success in a row of its own.
        """
        with self._asking(ask, promised, {"Authorization": f"Bearer {self.access_token()}"}) as answer:
            yield answer

    @contextmanager
    def _asking(self, ask: Ask, promised: type[T], headers: dict[str, str]) -> Iterator[T]:
        content = None if ask.body is None else msgspec.json.encode(ask.body).decode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        if ask.idempotency_key:
            headers["Idempotency-Key"] = ask.idempotency_key
        with self.client.request(
            ask.method, ask.path, name=ask.name, data=content, headers=headers, catch_response=True
        ) as response:
            try:
                if _lost(ask, response):
                    response.request_meta["name"] = f"{ask.name}: {ask.lost}"
                    response.success()
                    raise RescheduleTask
                yield _decode(ask, response, promised)
            except Broken as broken:
                response.failure(broken)
                _tell(ask, response, broken)
                raise RescheduleTask from broken
            response.success()

    def _register(self) -> None:
        wanted = {
            "email": f"load-{secrets.token_hex(8)}@example.com",
            "password": secrets.token_urlsafe(16),
            "name": "Load test",
            "role": self.role,
        }
        ask = Ask("POST", "/v1/auth/register", "/v1/auth/register", wanted, status=HTTPStatus.CREATED)
        with _SIGN_UPS, self._asking(ask, SignedIn, {}) as answer:
            hold(answer.user.role == self.role, "the account has another role", answer.user)
        self.id = answer.user.id
        self._keep(answer)

    def access_token(self) -> str:
        with self._renewing:  # a refresh token that is used twice ends the session
            if time.monotonic() >= self._renew_at:
                self._renew()
        return self._tokens.access_token

    def _renew(self) -> None:
        old = self._tokens
        ask = Ask("POST", "/v1/auth/refresh", "/v1/auth/refresh", {"refresh_token": old.refresh_token})
        with self._asking(ask, Tokens, {}) as new:
            fresh = new.access_token != old.access_token and new.refresh_token != old.refresh_token
            hold(fresh, "a refresh gave an old token again")
        self._keep(new)

    def _keep(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._renew_at = time.monotonic() + RENEW_AFTER * tokens.expires_in


def _lost(ask: Ask, response: ResponseContextManager) -> bool:
    return (
        ask.lost is not None
        and response.status_code == HTTPStatus.CONFLICT
        and _problem(response, ask.status).code == ask.lost
    )


def _decode(ask: Ask, response: ResponseContextManager, promised: type[T]) -> T:
    if response.status_code != ask.status:
        problem = _problem(response, ask.status)
        raise Broken(f"{response.status_code} {problem.code}, not {ask.status}", problem)
    try:
        return msgspec.json.decode(response.content, type=promised)
    except msgspec.MsgspecError as fault:
        raise Broken(f"not a {promised.__name__}: {fault}", response.content[:500]) from None


def _problem(response: ResponseContextManager, status: int) -> Problem:
    """Return the problem of the response. Raises Broken without a response or without problem+json."""
    if not response.status_code:
        raise Broken("no answer", getattr(response, "error", ""))
    try:
        return msgspec.json.decode(response.content, type=Problem)
    except msgspec.MsgspecError:
        raise Broken(f"{response.status_code} and no problem+json, not {status}", response.content[:500]) from None


def _tell(ask: Ask, response: ResponseContextManager, broken: Broken) -> None:
    """The first case of each kind in full; the others are only counted."""
    if is_first(sentence := str(broken)):
        request_id = response.headers.get("x-request-id") if response.headers else None
        logger.error("%s %s: %s. Request id %s. Seen: %s", ask.method, ask.path, sentence, request_id, broken.seen)


def is_first(sentence: str) -> bool:
    """Return whether this process has asked about the sentence for the first time."""
    is_new = sentence not in _told
    _told.add(sentence)
    return is_new
