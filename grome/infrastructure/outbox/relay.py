"""Dispatch events to subscribers: one process leads, reads MongoDB's change stream, and stores its position.

Delivery is at least once: the next leader dispatches again the events after the last stored position. Each subscriber
deduplicates events by their ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from loguru import logger

from grome.common.clock import Clock
from grome.common.ids import new_hex_id
from grome.infrastructure.cancellation import raise_if_cancelled, run_in_own_task
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.outbox.deferred_events import DeferredEvents
from grome.infrastructure.outbox.event_causes import dispatching
from grome.infrastructure.outbox.leader import LEASE_S, Leader, LeaseLostError
from grome.infrastructure.outbox.models import ChangeRecord, Event, RelayStats
from grome.infrastructure.outbox.projection import Projection
from grome.infrastructure.outbox.repository import RelayRepository
from grome.infrastructure.transient_errors import is_transient

_ACQUIRE_EVERY_S: Final = 0.5
_RETRY_S: Final = 0.5


class Subscriber(Protocol):
    """Reacts to events."""

    async def handle(self, events: Sequence[Event]) -> None:
        """Handle events, in order per subject. An event may come again: handle each event id once."""


class Subscribers(dict[str, Subscriber]):
    """Subscribers by the names under which the relay sets events aside for them."""


Caches = Callable[[Sequence[ChangeRecord]], Awaitable[None]]


class Relay:
    """Runs in every job worker; `caches` gets every change.

    Deferred events are stored under the key of their subscriber in `followers`.
    """

    def __init__(
        self,
        relay: RelayRepository,
        projection: Projection,
        followers: Mapping[str, Subscriber],
        caches: Caches,
        deferred: DeferredEvents,
        clock: Clock,
    ) -> None:
        self._relay, self._projection, self._followers, self._caches = relay, projection, followers, caches
        self._deferred, self._clock = deferred, clock
        self._name = new_hex_id()

    async def run(self) -> None:
        """Lead whenever no other process leads, until cancelled."""
        while True:
            raise_if_cancelled()
            try:
                if state := await self._relay.acquire(self._name, int(LEASE_S * 1000)):
                    raise_if_cancelled()  # a lost cancellation would not reach the leader's own task
                    await run_in_own_task(
                        Leader(self._relay, state, self._projection, self._dispatch, self._clock).lead()
                    )
            except* LeaseLostError:
                logger.warning("Another leads the relay now")
            # Any error is caught: jobs and crons of this process do not depend on the relay.
            except* Exception as faults:  # noqa: BLE001
                if all(is_transient(fault) for fault in faults.exceptions):
                    logger.warning("A server is away ({!r}); the relay waits", faults.exceptions[0])
                else:
                    report_failure("relay", "the leader", faults)
            await asyncio.sleep(_ACQUIRE_EVERY_S)

    async def stats(self) -> RelayStats | None:
        """Return the statistics of the leader, or None if no process has led yet."""
        state = await self._relay.state()
        if state is None or state.seen_at is None:
            return None
        silent_s = max(0.0, (self._clock() - state.seen_at).total_seconds())
        return RelayStats(state.lag_s, silent_s, state.position_at, state.handed_on)

    async def _dispatch(self, changes: Sequence[ChangeRecord], events: Sequence[Event]) -> None:
        await self._invalidate_caches(changes)
        with dispatching(events):
            for name, follower in self._followers.items():
                await self._deliver(name, follower, events)

    async def _invalidate_caches(self, changes: Sequence[ChangeRecord]) -> None:
        """Invalidate caches once more: the process that wrote the change has told them already."""
        try:
            await self._caches(changes)
        except Exception:  # noqa: BLE001 -- any error: events are dispatched all the same
            logger.exception("Caches cannot be invalidated")

    async def _deliver(self, name: str, follower: Subscriber, events: Sequence[Event]) -> None:
        """Retry until transient faults are over, because events must not overtake each other."""
        while events:
            raise_if_cancelled()
            try:
                await follower.handle(events)
            # Any error: a bug of one subscriber must stop neither the others nor later events.
            except Exception as error:  # noqa: BLE001
                if not is_transient(error):
                    logger.opt(exception=error).error("{} cannot handle events", name)
                    await self._deferred.add(name, events)
                    return
                logger.warning("The relay waits, because {} cannot handle events ({!r})", name, error)
                await asyncio.sleep(_RETRY_S)
            else:
                return
