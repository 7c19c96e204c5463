"""Every change of a barber, told to every process: whoever keeps barbers in memory hears of it within milliseconds."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

import msgspec
from loguru import logger
from msgspec import Struct
from redis.asyncio import Redis

from grome.barbers.models import Barber
from grome.common.redis import PASSING_FAULTS, Namespace, Subscription

CHANNEL: Final = "barbers:changes"


class BarberChange(Struct, frozen=True):
    """A barber after a change; `removed` where the change took them away.

    Messages can come late and out of order. What counts is the one with the greatest `moment`.
    """

    barber: Barber
    removed: bool = False

    @property
    def moment(self) -> tuple[datetime, int]:
        """A profile that was removed and made anew counts its versions anew, but is younger."""
        return self.barber.created_at, self.barber.version


class Listener(Protocol):
    """Keeps barbers in memory. Both methods are called in the event loop and must not wait."""

    def changed(self, change: BarberChange) -> None:
        """Take a change over, unless it is older than what is kept."""

    def missed(self) -> None:
        """Changes may have gone unheard; from here on they are heard, or `listening` is false."""


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], BarberChange] = msgspec.msgpack.Decoder(BarberChange).decode


class BarberChanges:
    """Tells and hears changes over Redis pub/sub, which forgets: a listener trusts what it keeps for so long only."""

    def __init__(self, redis: Redis, subscribing_redis: Redis, namespace: Namespace) -> None:
        self._redis, self._channel = redis, namespace.channel(CHANNEL)
        self._listeners: list[Listener] = []
        self._subscription = Subscription(subscribing_redis, self._channel, self._heard, self._missed)

    def start(self) -> None:
        self._subscription.start()

    async def close(self) -> None:
        await self._subscription.close()

    @property
    def listening(self) -> bool:
        """Whether this process hears what others change; it does not while Redis is away."""
        return self._subscription.is_live

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def tell(self, change: BarberChange) -> None:
        """Called after the write. This process knows at once; with Redis away the others look again by themselves."""
        self._pass_on(change)
        try:
            await self._redis.publish(self._channel, _encode(change))
        except PASSING_FAULTS as error:
            logger.warning("Redis is away ({!r}): others learn of barber {} only later", error, change.barber.id)

    def _heard(self, message: bytes) -> None:
        self._pass_on(_decode(message))

    def _pass_on(self, change: BarberChange) -> None:
        for listener in self._listeners:
            listener.changed(change)

    def _missed(self) -> None:
        for listener in self._listeners:
            listener.missed()
