"""Set events aside for a subscriber. Jobs hold them sealed, since events can name addresses of persons."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from grome.infrastructure.isolated_items import for_batch
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event
from grome.infrastructure.secret_keys import Sealer

# Delivers an event again to a subscriber that failed at it, apart from the other events.
REDELIVER: Final = JobKind("follow", Queue.DEFAULT, timeout_s=30, delays_s=(10, 60, 600, 3_600, 6 * 3_600))


class UnreadableEventError(Exception):
    """The key that sealed the event is gone."""


class DeferredEvents:
    def __init__(self, jobs: JobQueue, sealer: Sealer) -> None:
        self._jobs, self._sealer = jobs, sealer

    async def add(self, subscriber: str, events: Sequence[Event]) -> None:
        """Add a job for each event; `subscriber` is its name in `Subscribers`."""
        await for_batch(
            [self._job(subscriber, event) for event in events], self._add, name=f"deferred for {subscriber}"
        )

    def read(self, payload: Mapping[str, Any]) -> Event:
        """Return the event of a job. Raises UnreadableEventError."""
        if "event" in payload:  # of a release that did not seal events
            return msgspec.convert(payload["event"], Event)
        raw = self._sealer.open(base64.b64decode(payload["sealed"]), UUID(payload["event_id"]).bytes)
        if raw is None:
            raise UnreadableEventError
        return msgspec.json.decode(raw, type=Event)

    def _job(self, subscriber: str, event: Event) -> NewJob:
        sealed = base64.b64encode(self._sealer.seal(msgspec.json.encode(event), event.id.bytes)).decode()
        payload = {"follower": subscriber, "event_id": str(event.id), "sealed": sealed}
        return NewJob(f"{event.id}:follow:{subscriber}", REDELIVER, payload)

    async def _add(self, new: Sequence[NewJob]) -> None:
        await self._jobs.add(*new)
