"""Keep challenges in Redis: pending second steps of logins, and ceremonies of passkeys."""

import hashlib
import os
import secrets
from collections.abc import Awaitable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from grome.accounts.models import Device
from grome.common.actor import SignInMethod
from grome.common.clock import Clock
from grome.factors.models import FactorKind
from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.scripts import Script

CHALLENGE_LIFE: Final = timedelta(minutes=5)
MAX_TRIES: Final = 5
_RANDOM_BYTES: Final = 32

_BEGIN: Final = """
redis.call('HSET', KEYS[1], 'stored', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
# Counts a try, and returns the challenge while tries are left.
_TRY: Final = """
local stored = redis.call('HGET', KEYS[1], 'stored')
if not stored then return false end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) > tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  return false
end
return stored
"""


class PendingSignIn(Struct, frozen=True):
    """A login after its first step. `kinds` are the proofs that complete it.

    `code_slot` names the code that was sent for it. A change of the password after `begun_at` makes the first step
    worthless.
    """

    user_id: UUID
    device: Device
    methods: frozenset[SignInMethod]
    kinds: tuple[FactorKind, ...]
    begun_at: datetime
    code_slot: str | None = None


class Purpose(StrEnum):
    """Names the use that the answer to a ceremony is for; it is of no use elsewhere."""

    REGISTRATION = "registration"
    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    STEP_UP = "step_up"


class Ceremony(Struct, frozen=True):
    """The random bytes that an authenticator signs, and the use that its answer is for.

    `subject` binds the answer: to the session of a registration or a step-up, or to the challenge of a login. It is
    empty for a sign-in with a passkey that the person chooses.
    """

    challenge: bytes
    purpose: Purpose
    subject: str
    begun_at: datetime


class Challenges:
    """Stores each challenge under the hash of its token for five minutes. Methods raise RedisError without Redis."""

    def __init__(self, redis: Redis, namespace: Namespace, clock: Clock) -> None:
        self._redis, self._namespace, self._clock = redis, namespace, clock
        self._begin, self._count_try = Script(redis, _BEGIN), Script(redis, _TRY)

    async def begin_sign_in(
        self,
        user_id: UUID,
        device: Device,
        methods: frozenset[SignInMethod],
        kinds: tuple[FactorKind, ...],
        code_slot: str | None = None,
    ) -> str:
        """Return the token of a new challenge."""
        pending = PendingSignIn(user_id, device, methods, kinds, self._clock(), code_slot)
        token, encoded = secrets.token_urlsafe(_RANDOM_BYTES), msgspec.msgpack.encode(pending)
        key = self._key("sign-in", token)
        await self._begin([key], [encoded, int(CHALLENGE_LIFE.total_seconds())])
        return token

    async def find_sign_in(self, token: str) -> PendingSignIn | None:
        """Find a challenge without counting a try."""
        stored = await cast("Awaitable[bytes | None]", self._redis.hget(self._key("sign-in", token), "stored"))
        return self._decode_sign_in(stored)

    async def try_sign_in(self, token: str) -> PendingSignIn | None:
        """Count a try. Returns None if the challenge is unknown, used or expired, or has no tries left."""
        stored = await self._count_try([self._key("sign-in", token)], [MAX_TRIES])
        return self._decode_sign_in(stored)

    async def finish_sign_in(self, token: str) -> bool:
        """Use up the challenge. Returns False if a concurrent request did so before."""
        deleted: int = await self._redis.delete(self._key("sign-in", token))
        return deleted == 1

    async def begin_ceremony(self, purpose: Purpose, subject: str = "") -> tuple[str, bytes]:
        """Return the token of a new ceremony, and the random bytes to sign."""
        token, challenge = secrets.token_urlsafe(_RANDOM_BYTES), os.urandom(_RANDOM_BYTES)
        ceremony = Ceremony(challenge, purpose, subject, self._clock())
        await self._redis.set(self._key("ceremony", token), msgspec.msgpack.encode(ceremony), ex=CHALLENGE_LIFE)
        return token, challenge

    async def take_ceremony(self, token: str, purpose: Purpose, subject: str = "") -> Ceremony | None:
        """Return the ceremony and use it up: an authenticator has one answer.

        Returns None if the ceremony is gone, or was begun for another purpose or subject.
        """
        stored: bytes | None = await self._redis.getdel(self._key("ceremony", token))
        ceremony = msgspec.msgpack.decode(stored, type=Ceremony) if stored else None
        if ceremony is None or (ceremony.purpose, ceremony.subject) != (purpose, subject):
            return None
        return ceremony if self._is_fresh(ceremony.begun_at) else None

    def _decode_sign_in(self, stored: bytes | None) -> PendingSignIn | None:
        pending = msgspec.msgpack.decode(stored, type=PendingSignIn) if stored else None
        return pending if pending and self._is_fresh(pending.begun_at) else None

    def _is_fresh(self, begun_at: datetime) -> bool:
        return begun_at > self._clock() - CHALLENGE_LIFE

    def _key(self, kind: str, token: str) -> str:
        return self._namespace.key(f"factors:{kind}:{hashlib.sha256(token.encode()).hexdigest()}")
