"""Redis or Valkey: the clients of a process, and subscriptions that notice when they hear nothing any more."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from loguru import logger
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.sections.servers import RedisSettings
from config.settings import Settings
from config.urls import is_cluster_url
from grome.infrastructure.cancellation import cancel_until_done
from grome.infrastructure.redis.cluster import CLUSTER_FAULTS, ClusterRedis
from grome.infrastructure.redis.command_spans import client_class
from grome.infrastructure.redis.measured_pool import CommandPool, QueuePool
from grome.infrastructure.redis.slots import Address

# Transient faults: the same command can succeed a moment later.
TRANSIENT_FAULTS = (RedisConnectionError, RedisTimeoutError, *CLUSTER_FAULTS)
# A subscriber that hears nothing for so long asks whether anybody is there, and leaves if no answer comes in as long.
_SILENCE_S: Final = 1.0
_RETRY_S: Final = 0.25
_PORT: Final = 6_379
_SENTINEL_PORT: Final = 26_379
# A dequeue waits without end, so only these probes of TCP tell that the machine of the queues is gone, within 11 s. Not
# every system has all of them.
_PROBES: Final = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
}


@dataclass(frozen=True, slots=True)
class Namespace:
    """Keeps the keys and channels of several Gromes on one server apart.

    Redis keeps keys of databases with different numbers apart, but not channels: a channel's name has the number too.
    """

    name: str
    database: int

    @classmethod
    def of(cls, settings: Settings) -> "Namespace":
        url = settings.redis.url
        number = parse_url(url).get("db", 0) if url and not is_cluster_url(url) else 0
        return cls(settings.redis.namespace or settings.mongo.database, number)

    def key(self, rest: str) -> str:
        return f"{self.name}:{rest}"

    def channel(self, rest: str) -> str:
        return self.key(f"{self.database}:{rest}" if self.database else rest)


def open_redis(settings: RedisSettings) -> Redis:
    """Connects at its first command. A caller beyond `max_connections` waits; the default pool would raise."""
    limits = {
        "max_connections": settings.max_connections,
        "timeout": settings.timeout_s,
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
    }
    return _open(settings.url, lambda url: client_class().from_pool(CommandPool.from_url(url, **limits)))


def _open(url: str, open_server: Callable[[str], Redis]) -> Redis:
    """Open the server of the URL, or its cluster: redis+cluster://user:password@host:port,…?options."""
    if not is_cluster_url(url):
        return open_server(url)
    scheme, _, rest = url.partition("+cluster://")
    address, asked, options = rest.partition("?")
    login, at, hosts = address.rstrip("/").rpartition("@")
    pairs = (urlsplit(f"//{host}") for host in hosts.split(","))
    seeds = [Address(pair.hostname or "", pair.port or _PORT) for pair in pairs]
    return ClusterRedis(seeds, lambda node: open_server(f"{scheme}://{login}{at}{node}{asked}{options}"))


def open_waiting_redis(settings: RedisSettings, waiting: int) -> Redis:
    """For commands that wait for something to happen, such as dequeues. No answer is no fault here.

    Up to `waiting` connections are held by such commands; there are `max_connections` beside them for all others.
    """
    url = settings.queues_url or settings.url
    limits: dict[str, Any] = {
        "max_connections": settings.max_connections + waiting,
        "timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
        "socket_keepalive": True,
        "socket_keepalive_options": _PROBES,
    }
    if url.startswith("redis+sentinel://"):
        return _open_behind_sentinels(url, settings.timeout_s, limits)
    return client_class().from_pool(QueuePool.from_url(url, **limits))


class _SentinelPool(SentinelConnectionPool, QueuePool):
    """Asks the Sentinels for the primary at each connect. A caller beyond `max_connections` waits."""


def _open_behind_sentinels(url: str, timeout_s: float, limits: Mapping[str, Any]) -> Redis:
    """Open the primary of the service that the URL names: redis+sentinel://user:password@host:port,…/service/0."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    pairs = (urlsplit(f"//{host}") for host in hosts.split(","))
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        [(pair.hostname, pair.port or _SENTINEL_PORT) for pair in pairs],
        sentinel_kwargs={"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s},
    )
    account = {"username": unquote(user) or None, "password": unquote(password) or None, "db": int(database or 0)}
    pool = _SentinelPool(service, sentinels, **account, **limits)  # type: ignore[no-untyped-call]
    return client_class().from_pool(pool)


def open_subscribing_redis(settings: RedisSettings) -> Redis:
    """For subscriptions: a lost connection is a fault at once. The driver's own retries would hide it for seconds."""
    limits: dict[str, Any] = {
        "max_connections": settings.max_connections,
        "socket_timeout": settings.timeout_s,  # otherwise a server that accepts and stays silent would block forever
        "socket_connect_timeout": settings.timeout_s,
    }
    return _open(settings.url, lambda url: Redis.from_url(url, retry=Retry(NoBackoff(), 0), **limits))


@dataclass(frozen=True, slots=True)
class RedisClients:
    """The clients of a process. Each has the timeouts and retries that its commands need."""

    commands: Redis
    subscriptions: Redis
    queues: Redis


class Subscription:
    """Receives one channel for the lifetime of the process. Pub/sub keeps no messages for absent subscribers.

    `heard` gets each message, in order. `missed` is called when the connection is lost, and when it is established
    again or for the first time: earlier messages were missed. A message for which `heard` raises an error counts as
    missed too.
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
            await cancel_until_done({self._task})

    async def _run(self) -> None:
        while True:
            try:
                redis = await self._redis.initialize()
                async with redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    await self._listen(pubsub)
            # Nobody waits for this task: if it ended, the process would be deaf and believe that all is quiet.
            except Exception as error:  # noqa: BLE001 -- logged, with its traceback where it is nothing that passes
                if self.is_live:
                    self.is_live = False
                    bug = None if isinstance(error, TRANSIENT_FAULTS) else error
                    logger.opt(exception=bug).warning("{} is not heard for a moment: {!r}", self._channel, error)
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
