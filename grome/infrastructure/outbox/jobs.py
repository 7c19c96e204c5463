"""Deliver events that were set aside for a subscriber."""

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.deferred_events import DeferredEvents
from grome.infrastructure.outbox.relay import Subscribers


async def follow_later(container: Container, job: RunningJob) -> None:
    event = container.get(DeferredEvents).read(job.payload)
    await container.get(Subscribers)[job.payload["follower"]].handle([event])
