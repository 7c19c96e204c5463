"""Lead the relay: renew the lease, read changes ahead, and dispatch them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final

from loguru import logger
from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.cancellation import raise_if_cancelled
from grome.infrastructure.isolated_items import map_each
from grome.infrastructure.mongo.client import Document, DriverError
from grome.infrastructure.outbox.models import ChangeRecord, Event
from grome.infrastructure.outbox.projection import Projection
from grome.infrastructure.outbox.repository import RelayRepository, RelayState, TokenLostError

# A dead leader is replaced after this time plus the period in which other processes try to acquire the lease.
LEASE_S: Final = 3.5
_RENEW_EVERY_S: Final = 1.0
# The leader stops this long before its lease ends, to cover a renewal under way and a process that wakes late.
_MARGIN_S: Final = 1.0
_BATCH: Final = 200
_READ_AHEAD: Final = 1_000
# A rescan begins this long before the last position: clocks of API processes may differ from the server's.
_OVERLAP: Final = timedelta(minutes=10)

Dispatch = Callable[[Sequence[ChangeRecord], Sequence[Event]], Awaitable[None]]


class LeaseLostError(Exception):
    """Another process leads the relay, or could have acquired the lease."""


class _Read(Struct, frozen=True):
    """The events of a change, and the resume token after the change. During a rescan `token` is None."""

    change: ChangeRecord | None
    events: list[Event]
    token: Document | None


class Leader:
    """Leads under the lease in `state`. The token of a change is stored only after the change is dispatched."""

    def __init__(
        self, relay: RelayRepository, state: RelayState, projection: Projection, hand_on: Dispatch, clock: Clock
    ) -> None:
        self._relay, self._state, self._projection = relay, state, projection
        self._dispatch, self._clock = hand_on, clock
        self._token, self._position_at, self._handed_on = state.token, state.position_at, state.handed_on
        self._in_hand: datetime | None = None  # time of the oldest change being dispatched
        self._read_ahead: asyncio.Queue[_Read] = asyncio.Queue(_READ_AHEAD)
        self._leads_until = time.monotonic() + LEASE_S - _MARGIN_S

    async def lead(self) -> None:
        """Lead the relay until cancelled.

        Raises an ExceptionGroup of the failures of its tasks, with LeaseLostError if another process leads.
        """
        logger.info("Leads the relay with fence {}", self._state.fence)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_lease())
                group.create_task(self._read())
                group.create_task(self._dispatch_all())
        finally:
            with suppress(DriverError):  # the lease expires by itself
                await self._relay.release(self._state, self._position())

    async def _keep_lease(self) -> None:
        while True:
            raise_if_cancelled()
            began = time.monotonic()
            if not await self._relay.renew(self._state, int(LEASE_S * 1000), self._position()):
                raise LeaseLostError
            self._leads_until = began + LEASE_S - _MARGIN_S
            await asyncio.sleep(_RENEW_EVERY_S)

    def _position(self) -> Document:
        now = self._clock()
        lag = now - self._in_hand if self._in_hand else timedelta()
        return {
            "token": self._token,
            "position_at": self._position_at,
            "handed_on": self._handed_on,
            "lag_s": lag.total_seconds(),
            "seen_at": now,
        }

    async def _read(self) -> None:
        token = self._token
        while True:
            try:
                async with self._relay.changes(token) as changes:
                    if token is None:
                        await self._rescan()
                    while True:
                        raise_if_cancelled()
                        change, token = await changes.next()
                        await self._read_ahead.put(_Read(change, _events(change, self._projection.events_of), token))
            except TokenLostError:
                logger.error("The relay's resume token is lost; later changes are read again")
                token = None

    async def _rescan(self) -> None:
        """Read the changes since the last position again. The stream is open already, so no change is missed."""
        since = (self._position_at or self._state.since) - _OVERLAP
        logger.info("The relay reads the changes since {}", since)
        async for change in self._relay.changed_since(since):
            await self._read_ahead.put(
                _Read(None, _events(change, partial(self._projection.events_since, since=since)), None)
            )

    async def _dispatch_all(self) -> None:
        while True:
            raise_if_cancelled()
            batch = [await self._read_ahead.get()]
            while not self._read_ahead.empty() and len(batch) < _BATCH:
                batch.append(self._read_ahead.get_nowait())
            if time.monotonic() > self._leads_until:
                raise LeaseLostError
            changes = [read.change for read in batch if read.change]
            if changes:
                self._in_hand = changes[0].at
            await self._dispatch(changes, [event for read in batch for event in read.events])
            self._in_hand = None
            self._token = batch[-1].token or self._token
            self._position_at = changes[-1].at if changes else self._position_at
            self._handed_on += sum(len(read.events) for read in batch)


def _events(change: ChangeRecord | None, told: Callable[[ChangeRecord], list[Event]]) -> list[Event]:
    """Return the events of a change, or none if the change cannot be read.

    Later changes do not wait for the repair of an unreadable change.
    """
    return list(chain.from_iterable(map_each([change], told, name="relay"))) if change else []
