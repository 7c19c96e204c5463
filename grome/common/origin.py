"""The origin of the request that is being handled, for the records of its effects."""

from contextvars import ContextVar
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct


class RequestOrigin(Struct, frozen=True):
    """Names the request that caused a change: its id, the client's address and the login session.

    `session_id` is None for a request without an access token. `traceparent` is the request's span, if it is traced.
    """

    request_id: Annotated[str, Meta(max_length=64)]
    address: Annotated[str, Meta(max_length=45)] | None = None
    session_id: UUID | None = None
    traceparent: Annotated[str, Meta(max_length=55)] | None = None


# Set by the wrapper of all route handlers. None in jobs, crons and commands.
origin_of_request: Final[ContextVar[RequestOrigin | None]] = ContextVar("origin_of_request", default=None)


def origin_by(actor_id: UUID | None) -> RequestOrigin | None:
    """Return the origin for an outbox entry of an actor. An entry of Grome itself has none, even in a request."""
    return origin_of_request.get() if actor_id else None
