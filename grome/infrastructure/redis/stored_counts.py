"""Sum counts of all processes in a Redis hash."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.figures import FIGURES
from grome.infrastructure.isolated_items import FAILED_ITEMS
from grome.infrastructure.redis.client import Namespace

_STORE_EVERY_S: Final = 5.0
_STORE_REST_SECONDS: Final = 1.0
_FIGURES: Final = "figures"
_FAILED_ITEMS: Final = "failed_items"
_SEPARATOR: Final = "|"
_Name = TypeVar("_Name")


class StoredCounts:
    """Sums the figures and the failed items of all processes; each process counts in its own memory first."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis = redis
        self._failed_items, self._figures = namespace.key(_FAILED_ITEMS), namespace.key(_FIGURES)

    async def failed_items(self) -> dict[str, int]:
        """Return the counts of failed items by the name of the loop."""
        return await self._read(self._failed_items)

    async def figures(self) -> dict[tuple[str, ...], int]:
        """Return the figures by the name of the metric and its labels."""
        return {tuple(name.split(_SEPARATOR)): number for name, number in (await self._read(self._figures)).items()}

    async def store(self) -> None:
        """Add the counts of this process since the last call. Raises RedisError, and then keeps the counts."""
        for name in list(+FAILED_ITEMS):
            await self._add(self._failed_items, name, FAILED_ITEMS, name)
        for labels in list(+FIGURES):
            await self._add(self._figures, _SEPARATOR.join(labels), FIGURES, labels)

    async def _read(self, key: str) -> dict[str, int]:
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(key))
        return {name.decode(): int(number) for name, number in found.items()}

    async def _add(self, key: str, name: str, counts: Counter[_Name], counted: _Name) -> None:
        number = counts.pop(counted, 0)
        try:
            await cast("Awaitable[int]", self._redis.hincrby(key, name, number))
        except RedisError:
            counts[counted] += number
            raise

    async def keep_storing(self) -> None:
        """Store the counts periodically, as long as the process runs."""
        while True:
            raise_if_cancelled()
            await asyncio.sleep(_STORE_EVERY_S)
            try:
                await self.store()
            except RedisError:
                continue  # the next round adds it

    async def store_rest(self) -> None:
        """Store the counts since the last round, when the process stops. They are lost if Redis is away."""
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(_STORE_REST_SECONDS):
                await self.store()
