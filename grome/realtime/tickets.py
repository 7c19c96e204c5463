"""Issue and redeem tickets: one-use secrets that sign a live connection in, where a token cannot be sent."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.infrastructure.redis.client import Namespace

TICKET_SECONDS: Final = 30
_TICKET_BYTES: Final = 32
_MAX_TICKET: Final = 100

_encode = msgspec.msgpack.Encoder().encode


class SignedInUntil(Struct, frozen=True):
    """An actor, and the expiry of the access token that the actor signed in with."""

    actor: Actor
    expires_at: datetime


_decode = msgspec.msgpack.Decoder(SignedInUntil).decode


class Tickets:
    """Stores the hash of each ticket for 30 seconds. A ticket never outlives the access token that it stands for."""

    def __init__(self, redis: Redis, namespace: Namespace, clock: Clock) -> None:
        self._redis, self._namespace, self._clock = redis, namespace, clock

    async def issue(self, actor: Actor, expires_at: datetime) -> str:
        """Return a new ticket for the actor. Raises RedisError if Redis is unavailable."""
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        await self._redis.set(self._key(ticket), _encode(SignedInUntil(actor, expires_at)), ex=TICKET_SECONDS)
        return ticket

    async def redeem(self, ticket: str) -> SignedInUntil | None:
        """Return the actor of the ticket with the token's expiry. The ticket is used up.

        Returns None if the ticket is unknown, used or too old, or if its access token has expired. Raises RedisError
        if Redis is unavailable. The session may have been revoked since; the caller checks it.
        """
        if len(ticket) > _MAX_TICKET:
            return None
        stored: bytes | None = await self._redis.getdel(self._key(ticket))
        found = _decode(stored) if stored else None
        return found if found and found.expires_at > self._clock() else None

    def _key(self, ticket: str) -> str:
        return self._namespace.key(f"live:ticket:{sha256(ticket.encode()).hexdigest()}")
