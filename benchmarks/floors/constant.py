"""The floor of nearby: a bare Sanic that sends the same bytes to everybody, with or without a look at the token.

`python -m benchmarks.floors.constant` takes from the environment FLOOR_PORT, FLOOR_BODY (a file), FLOOR_HEADERS (a JSON
object) and, where a token is to be checked, FLOOR_PUBLIC_KEY (PEM). An answer's headers are the given ones beside what
Sanic writes itself; even a request id among them is a constant.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import Unauthorized

App = Sanic[Any, Any]
JSON = "application/json"
PATH = "/v1/barbers/nearby"


@dataclass(frozen=True, slots=True)
class Actor:
    id: UUID
    role: str


class RememberedTokens:
    """A token is verified once; then a dict gives its (actor, Unix time until when)."""

    def __init__(self, public_key: str) -> None:
        self._key: Any = load_pem_public_key(public_key.encode())  # jwt's own types name every kind of key
        self._known: dict[str, tuple[Actor, float]] = {}

    def actor(self, request: Request) -> Actor:
        """Raises Unauthorized, also where no token was sent."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized
        known = self._known.get(token)
        if known and time.time() < known[1]:
            return known[0]
        known = self._known[token] = self._verify(token)
        return known[0]

    def _verify(self, token: str) -> tuple[Actor, float]:
        try:
            claims = jwt.decode(token, self._key, algorithms=["EdDSA"], options={"require": ["exp", "sub", "role"]})
        except jwt.InvalidTokenError:
            raise Unauthorized from None
        return Actor(UUID(claims["sub"]), claims["role"]), claims["exp"]


def create_app(body: bytes, headers: dict[str, str], tokens: RememberedTokens | None) -> App:
    app: App = Sanic("floor", configure_logging=False)

    @app.get(PATH)
    async def constant(request: Request) -> HTTPResponse:
        if tokens:
            tokens.actor(request)
        return HTTPResponse(body, headers=headers, content_type=JSON)

    return app


if __name__ == "__main__":
    key = os.environ.get("FLOOR_PUBLIC_KEY")
    floor = create_app(
        Path(os.environ["FLOOR_BODY"]).read_bytes(),
        json.loads(os.environ["FLOOR_HEADERS"]),
        RememberedTokens(key) if key else None,
    )
    floor.run("127.0.0.1", int(os.environ["FLOOR_PORT"]), single_process=True, access_log=False, motd=False)
