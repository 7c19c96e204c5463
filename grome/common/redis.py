"""Redis or Valkey: one client a process."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.settings import RedisSettings

# What may go away by itself: the same command can succeed a moment later.
PASSING_FAULTS = (RedisConnectionError, RedisTimeoutError)


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
    """For commands that wait for something to happen: subscriptions and dequeues. No answer is no fault here."""
    return Redis.from_url(
        settings.url,
        max_connections=settings.max_connections,
        socket_connect_timeout=settings.timeout_s,
        socket_keepalive=True,
    )
