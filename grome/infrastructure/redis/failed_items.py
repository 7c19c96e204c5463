"""Count the items that loops have passed over, in all processes together."""

import asyncio
from collections.abc import Awaitable
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.isolated_items import FAILED_ITEMS
from grome.infrastructure.redis.client import Namespace

_STORE_EVERY_S: Final = 5.0


class FailedItems:
    """Sums the counts of all workers in a Redis hash; each worker counts in its own memory first (`each.py`)."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._key = redis, namespace.key("failed_items")

    async def read(self) -> dict[str, int]:
        """Return the counts by the name of the loop."""
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        return {name.decode(): int(count) for name, count in found.items()}

    async def store(self) -> None:
        """Add the counts of this process since the last call. Raises RedisError, and then keeps the counts."""
        for name, count in [(name, count) for name, count in FAILED_ITEMS.items() if count]:
            await cast("Awaitable[int]", self._redis.hincrby(self._key, name, count))
            FAILED_ITEMS[name] -= count

    async def keep_storing(self) -> None:
        """Store the counts periodically, as long as the worker runs."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_STORE_EVERY_S)
            try:
                await self.store()
            except RedisError:
                continue  # the next round adds it
