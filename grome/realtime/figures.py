"""Measure live connections of all processes for the monitoring."""

import time
from typing import Final

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import Redis

from grome.common.ids import new_hex_id
from grome.infrastructure.redis.client import Namespace

_KEY: Final = "live:processes"
STORE_EVERY_S: Final = 5.0
# A process that has stored nothing for so long has ended.
_SILENT_S: Final = 20.0
_KEY_SECONDS: Final = 3_600


class ProcessFigures(Struct, frozen=True, array_like=True):
    """The figures of a process at the moment `at`, in Unix seconds.

    `position_age_s` is the age of the newest moment up to which this process has delivered all events.
    """

    at: float
    connections: int
    position_age_s: float


class LiveFigures:
    """Each process stores its figures in a hash of Redis; any process measures all of them."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._key, self._process = redis, namespace.key(_KEY), new_hex_id()

    async def store(self, connections: int, position_ms: int) -> None:
        """Store the figures of this process. Raises RedisError."""
        now = time.time()
        figures = ProcessFigures(now, connections, max(0.0, now - position_ms / 1_000))
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(self._key, self._process, msgspec.msgpack.encode(figures))  # type: ignore[arg-type]
            pipeline.expire(self._key, _KEY_SECONDS)
            await pipeline.execute()

    async def remove(self) -> None:
        """Forget this process. Raises RedisError."""
        await self._redis.hdel(self._key, self._process)  # type: ignore[misc]

    async def measure(self, registry: CollectorRegistry) -> None:
        """Add the figures of all processes to the registry, and forget processes that have ended."""
        found: dict[bytes, bytes] = await self._redis.hgetall(self._key)  # type: ignore[misc]
        figures = {name: msgspec.msgpack.decode(stored, type=ProcessFigures) for name, stored in found.items()}
        ended = [name for name, each in figures.items() if time.time() - each.at > _SILENT_S]
        if ended:
            await self._redis.hdel(self._key, *ended)  # type: ignore[misc,arg-type]
        living = [each for name, each in figures.items() if name not in ended]
        connections = "Open live connections of all processes"
        Gauge("grome_live_connections", connections, registry=registry).set(sum(each.connections for each in living))
        lag = "Age of the newest moment up to which the slowest process has delivered all live events"
        age = max((each.position_age_s for each in living), default=0.0)
        Gauge("grome_live_position_age_seconds", lag, registry=registry).set(age)
