"""The table of routes, and the call that a handler gets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.state import State

# secret: the platform's key. client: that, or a publishable key with the client secret. open: anybody (pages, control).
Access = Literal["secret", "client", "open"]
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Answer:
    """An answer that is no plain JSON object with status 200."""

    body: Json | str
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request: `params` are checked and converted; `account` is the connected account that it acts for, or None.

    `by_client` tells that an app called with the publishable key.
    """

    state: State
    method: str
    path: str
    parts: Mapping[str, str]
    params: Json
    account: str | None = None
    by_client: bool = False

    @property
    def id(self) -> str:
        return self.parts["id"]


Handler = Callable[[Call], Json | Answer]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    params: type[Any] | None
    access: Access


ROUTES: Final[list[Route]] = []


def route(
    method: str, path: str, params: type[Any] | None = None, access: Access = "secret"
) -> Callable[[Handler], Handler]:
    """Register the handler of a path with parts such as `{id}`. `params` is the SDK's TypedDict; None allows none."""
    pattern = re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", path) + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, handler, params, access))
        return handler

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for found in ROUTES:
        if found.method == method and (match := found.pattern.match(path)):
            return found, match.groupdict()
    return None
