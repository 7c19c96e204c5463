"""The check of an access token that the floors do, no more than Grome must do for each request."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sanic import Request
from sanic.exceptions import Unauthorized


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
            required = {"require": ["exp", "sub", "role"]}
            claims = jwt.decode(token, self._key, algorithms=["EdDSA"], audience="grome", options=required)
        except jwt.InvalidTokenError:
            raise Unauthorized from None
        return Actor(UUID(claims["sub"]), claims["role"]), claims["exp"]
