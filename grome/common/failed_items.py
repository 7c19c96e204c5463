"""Counts of items that loops have passed over, of all processes together."""

import asyncio
from collections.abc import Awaitable
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from grome.common.each import FAILED_ITEMS
from grome.common.redis import Namespace
from grome.common.tasks import end_if_cancelled

_STORE_EVERY_S: Final = 5.0


class FailedItems:
    """Each worker counts for itself (`each.py`), and adds what it has counted to a hash in Redis."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._key = redis, namespace.key("failed_items")

    async def read(self) -> dict[str, int]:
        """By the name of the loop."""
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        return {name.decode(): int(count) for name, count in found.items()}

    async def store(self) -> None:
        """Add what this process has counted since it last did; raises RedisError and forgets nothing then."""
        for name, count in [(name, count) for name, count in FAILED_ITEMS.items() if count]:
            await cast("Awaitable[int]", self._redis.hincrby(self._key, name, count))
            FAILED_ITEMS[name] -= count

    async def keep_storing(self) -> None:
        """Runs as long as a worker does."""
        while True:
            end_if_cancelled()
            await asyncio.sleep(_STORE_EVERY_S)
            try:
                await self.store()
            except RedisError:
                continue  # the next round adds it
