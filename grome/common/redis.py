"""Redis or Valkey: one client a process, and subscriptions that notice when they hear nothing any more."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.settings import RedisSettings

# What may go away by itself: the same command can succeed a moment later.
PASSING_FAULTS = (RedisConnectionError, RedisTimeoutError)
# A subscriber that hears nothing for so long asks whether anybody is there, and leaves if no answer comes in as long.
_SILENCE_S: Final = 1.0
_RETRY_S: Final = 0.25


def open_redis(settings: RedisSettings) -> Redis:
    """Connects at its first command. A caller beyond `max_connections` waits; the default pool would raise."""
    pool = BlockingConnectionPool.from_url(
        settings.url,
        max_connections=settings.max_connections,
        timeout=settings.timeout_s,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
    )
    return Redis.from_pool(pool)


def open_waiting_redis(settings: RedisSettings) -> Redis:
    """For commands that wait for something to happen, such as dequeues. No answer is no fault here."""
    return Redis.from_url(
        settings.url,
        max_connections=settings.max_connections,
        socket_connect_timeout=settings.timeout_s,
        socket_keepalive=True,
    )


def open_subscribing_redis(settings: RedisSettings) -> Redis:
    """For subscriptions: a lost connection is a fault at once. The driver's own retries would hide it for seconds."""
    return Redis.from_url(
        settings.url,
        max_connections=settings.max_connections,
        socket_connect_timeout=settings.timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


class Subscription:
    """One channel, heard for as long as the process lives. Pub/sub keeps nothing for those who are away.

    `heard` gets each message. `missed` is called when the connection is lost and again when it stands anew, the first
    time included: whatever was said before then went unheard.
    """

    def __init__(self, redis: Redis, channel: str, heard: Callable[[bytes], None], missed: Callable[[], None]) -> None:
        self._redis, self._channel = redis, channel
        self._heard, self._missed = heard, missed
        self._task: asyncio.Task[None] | None = None
        self.is_live = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._channel)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    await self._listen(pubsub)
            except PASSING_FAULTS:
                if self.is_live:
                    self.is_live = False
                    self._missed()
                await asyncio.sleep(_RETRY_S)

    async def _listen(self, pubsub: PubSub) -> None:
        """Raises a passing fault when the server is gone, or says nothing for two silences."""
        asked = False
        while True:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=_SILENCE_S)
            if message is None and asked:
                raise RedisTimeoutError(f"no answer on {self._channel}")
            asked = message is None
            if message is None:
                await pubsub.ping()
            elif message["type"] == "message":
                self._heard(message["data"])
            elif message["type"] == "subscribe":
                self.is_live = True
                self._missed()
