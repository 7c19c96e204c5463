"""The running releases, and callers that send each request to one of them at random, like a load balancer."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import httpx

_TRIES: Final = 12
_DICE: Final = random.Random(17)  # noqa: S311 -- no secret
Headers = dict[str, str]


class Expected(StrEnum):
    """Answers that docs/operations/restarts.md announces for the time in which both releases run."""

    ACCESS = "401 to an access token of this release"
    REFRESH = "401 refresh_refused to a refresh token of this release"
    QUOTE = "503 to a second quote with one promo code"


class StoryEndedError(Exception):
    """A request was not answered as it should be; the failure is recorded."""


@dataclass
class Side:
    """One release while it runs, with its OpenAPI document."""

    name: str
    http: httpx.AsyncClient
    document: dict[str, Any]
    answers: set[Expected] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    in_flight: int = 0

    def takes(self, schema: str, name: str) -> bool:
        """Return whether a body has a field of this name."""
        return name in self.document["components"]["schemas"][schema]["properties"]


@dataclass
class Answer:
    side: Side
    status: int
    body: Any

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


@dataclass
class Fleet:
    """The sides that take requests. Holds the failures, and the bodies that clients have been told."""

    sides: list[Side] = field(default_factory=list)
    phase: str = ""
    failures: list[str] = field(default_factory=list)
    expected: Counter[Expected] = field(default_factory=Counter)
    acknowledged: dict[str, tuple["Caller", Any]] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)

    def pick(self) -> Side:
        return _DICE.choice(self.sides)

    def have(self, method: str, path: str) -> bool:
        """Return whether all sides have a route."""
        return all(method.lower() in side.document["paths"].get(path, {}) for side in self.sides)

    def fail(self, sentence: str) -> None:
        self.failures.append(f"{self.phase}: {sentence}")

    async def ask(self, side: Side, method: str, path: str, body: Any, headers: Headers) -> Answer:
        """Send one request. A broken connection is a failure like a wrong status."""
        began, phase = time.monotonic(), self.phase
        side.requests[phase] += 1
        side.in_flight += 1
        try:
            answer = await side.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            self.fail(f"{side.name}: {method} {path}: {error!r}")
            raise StoryEndedError from error
        finally:
            side.in_flight -= 1
        side.slowest_s[phase] = max(side.slowest_s.get(phase, 0.0), time.monotonic() - began)
        is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
        return Answer(side, answer.status_code, answer.json() if is_json else answer.text)


Body = dict[str, Any] | Callable[[Side], dict[str, Any]] | None


@dataclass
class Caller:
    """A person that is signed in on one of the sides, and stays so while it can."""

    fleet: Fleet
    email: str
    password: str
    id: str = ""
    _access: str = ""
    _refresh: str = ""
    _issuer: Side | None = None

    async def send(
        self, method: str, path: str, body: Body = None, *, status: Iterable[int] = (200, 201, 204), key: str = ""
    ) -> Answer:
        """Send a request until a side takes the access token; a body can depend on the side.

        Raises StoryEndedError for a status that is not allowed.
        """
        allowed = set(status)
        for _ in range(_TRIES):
            side = self.fleet.pick()
            headers = {"Authorization": f"Bearer {self._access}"} | ({"Idempotency-Key": key} if key else {})
            given = body(side) if callable(body) else body
            answer = await self.fleet.ask(side, method, path, given, headers)
            if answer.status in allowed:
                self.fleet.writes[side.name] += method != "GET"
                return answer
            if answer.status != 401 or not self._is_announced(Expected.ACCESS, side):
                break
            self.fleet.expected[Expected.ACCESS] += 1
            await self.refresh()
        self.fleet.fail(f"{side.name}: {method} {path}: {answer.status} {answer.body}")
        raise StoryEndedError

    async def keep(self, method: str, path: str, body: Body = None, *, at: str = "", key: str = "") -> Any:
        """Send a request, and remember its answer as the representation at a path, by default that of its id."""
        answer = await self.send(method, path, body, key=key)
        self.fleet.acknowledged[at or f"{path}/{answer.body['id']}"] = (self, answer.body)
        return answer.body

    async def register(self, role: str) -> None:
        body = {"email": self.email, "password": self.password, "name": f"A {role}", "role": role}
        answer = await self._sign("/v1/auth/register", body)
        self.fleet.acknowledged[f"/v1/me#{self.email}"] = (self, answer.body["user"])

    async def sign_in(self) -> None:
        await self._sign("/v1/auth/login", {"email": self.email, "password": self.password})

    async def refresh(self) -> None:
        """Exchange the refresh token. Signs in again if the release that was asked does not know its form yet."""
        side = self.fleet.pick()
        answer = await self.fleet.ask(side, "POST", "/v1/auth/refresh", {"refresh_token": self._refresh}, {})
        if answer.code == "refresh_refused" and self._is_announced(Expected.REFRESH, side):
            self.fleet.expected[Expected.REFRESH] += 1
            await self.sign_in()
            return
        self._take(answer, "/v1/auth/refresh")

    def _is_announced(self, kind: Expected, side: Side) -> bool:
        return kind in side.answers and self._issuer is not side

    async def _sign(self, path: str, body: dict[str, str]) -> Answer:
        answer = await self.fleet.ask(self.fleet.pick(), "POST", path, body, {})
        self._take(answer, path)
        self.id = answer.body["user"]["id"]
        self.fleet.writes[answer.side.name] += 1
        return answer

    def _take(self, answer: Answer, path: str) -> None:
        if answer.status not in (200, 201):
            self.fleet.fail(f"{answer.side.name}: POST {path} of {self.email}: {answer.status} {answer.body}")
            raise StoryEndedError
        self._issuer = answer.side
        self._access, self._refresh = answer.body["access_token"], answer.body["refresh_token"]
