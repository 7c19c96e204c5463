"""Count wrong passwords of an account. After many, its owner is told, and a new device needs a second proof."""

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

    async def add(self, user_id: UUID | None) -> int:
        """Count a failure, and return the failures of the last 24 hours or a little more.

        None is an unknown account, which costs the same time as a known account.
        """
        key = self._key(user_id or _UNKNOWN_ACCOUNT)
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, _COUNTED_FOR_S, nx=True)
                count, _ = await pipeline.execute()
        except TRANSIENT_FAULTS:
            return 0
        return int(count)

    async def are_many(self, user_id: UUID) -> bool:
        try:
            return int(await self._redis.get(self._key(user_id)) or 0) >= MANY_FAILURES
        except TRANSIENT_FAULTS:
            return False

    def _key(self, user_id: UUID) -> str:
        return self._namespace.key(f"failed-sign-ins:{user_id}")
