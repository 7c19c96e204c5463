"""Publish every change of a barber to all processes, so that their caches are updated within milliseconds."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

import msgspec
from loguru import logger
from msgspec import Struct
from redis.asyncio import Redis

from grome.barbers.models import Barber
from grome.infrastructure.redis.client import TRANSIENT_FAULTS, Namespace, Subscription

CHANNEL: Final = "barbers:changes"


class BarberChange(Struct, frozen=True):
    """Holds a barber after a change; `removed` if the change removed the profile.

    Messages can arrive late and out of order. The change with the greatest `revision` is the current state.
    """

    barber: Barber
    removed: bool = False

    @property
    def revision(self) -> tuple[datetime, int]:
        """Order changes. A profile that was removed and created again counts its versions from 1, but is younger."""
        return self.barber.created_at, self.barber.version


class ChangeListener(Protocol):
    """Caches barbers. Both methods are called in the event loop and must not block."""

    def on_change(self, change: BarberChange) -> None:
        """Apply a change, unless it is older than the cached state."""

    def on_gap(self) -> None:
        """Handle a gap in which changes may have been missed."""


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], BarberChange] = msgspec.msgpack.Decoder(BarberChange).decode


class BarberChangeFeed:
    """Publishes and receives changes over Redis pub/sub.

    Messages can get lost, so listeners cache barbers for a limited time.
    """

    def __init__(self, redis: Redis, subscribing_redis: Redis, namespace: Namespace) -> None:
        self._redis, self._channel = redis, namespace.channel(CHANNEL)
        self._listeners: list[ChangeListener] = []
        self._subscription = Subscription(subscribing_redis, self._channel, self._on_message, self._on_gap)

    def start(self) -> None:
        self._subscription.start()

    async def close(self) -> None:
        await self._subscription.close()

    @property
    def listening(self) -> bool:
        """Return whether this process receives the changes of other processes; false while Redis is away."""
        return self._subscription.is_live

    def subscribe(self, listener: ChangeListener) -> None:
        self._listeners.append(listener)

    async def publish(self, change: BarberChange) -> None:
        """Notify this process of a written change at once, and the other processes over Redis.

        While Redis is away, the other processes see the change when their caches expire.
        """
        self._notify(change)
        try:
            await self._redis.publish(self._channel, _encode(change))
        except TRANSIENT_FAULTS as error:
            logger.warning(
                "Redis is away ({!r}): other processes see the change of barber {} later", error, change.barber.id
            )

    def _on_message(self, message: bytes) -> None:
        self._notify(_decode(message))

    def _notify(self, change: BarberChange) -> None:
        for listener in self._listeners:
            listener.on_change(change)

    def _on_gap(self) -> None:
        for listener in self._listeners:
            listener.on_gap()
