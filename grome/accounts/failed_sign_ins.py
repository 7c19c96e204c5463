"""Count wrong passwords of an account. After many, a new device needs a second proof."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from grome.infrastructure.redis.client import TRANSIENT_FAULTS, Namespace

MANY_FAILURES: Final = 10
_COUNTED_FOR_S: Final = 24 * 3_600
_UNKNOWN_ACCOUNT: Final = UUID(int=0)


class FailedSignIns:
    """Counts in Redis. Without Redis nothing is counted, and nobody is kept from signing in."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._namespace = redis, namespace

    async def add(self, user_ids: Sequence[UUID]) -> None:
        """Count a failure for each account; an unknown account costs the same time as a known account."""
        with suppress(*TRANSIENT_FAULTS):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in map(self._key, user_ids or [_UNKNOWN_ACCOUNT]):
                    pipeline.incr(key)
                    pipeline.expire(key, _COUNTED_FOR_S, nx=True)
                await pipeline.execute()

    async def are_many(self, user_id: UUID) -> bool:
        """Return whether there were many failures within 24 hours."""
        try:
            return int(await self._redis.get(self._key(user_id)) or 0) >= MANY_FAILURES
        except TRANSIENT_FAULTS:
            return False

    def _key(self, user_id: UUID) -> str:
        return self._namespace.key(f"failed-sign-ins:{user_id}")
