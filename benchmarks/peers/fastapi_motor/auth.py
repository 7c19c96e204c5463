"""Access tokens, verified with PyJWT at every request, as FastAPI's tutorial on security does."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, Header, Request

from benchmarks.peers.fastapi_motor.problems import Problem


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    role: str


async def person_or_none(request: Request, authorization: Annotated[str | None, Header()] = None) -> Person | None:
    """Return the sender of the token, or None without a token. Raises Problem 401 for one that is not valid."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "The Authorization header is not a bearer token")
    try:
        claims = jwt.decode(
            token,
            request.app.state.public_key,
            algorithms=["EdDSA"],
            issuer="grome",
            audience="grome",
            options={"require": ["exp", "sub", "role"]},
        )
        return Person(UUID(claims["sub"]), claims["role"])
    except (jwt.InvalidTokenError, ValueError):
        raise Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "The access token is not valid") from None


PersonOrNone = Annotated[Person | None, Depends(person_or_none)]


async def customer(person: PersonOrNone) -> Person:
    """Raises Problem 401 without a token and 403 for another role."""
    if person is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "An access token is needed")
    if person.role != "customer":
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "This is for customer accounts")
    return person


Customer = Annotated[Person, Depends(customer)]
