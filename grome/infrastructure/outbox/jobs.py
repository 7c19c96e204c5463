"""Events that were set aside for a follower."""

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.models import Event
from grome.infrastructure.outbox.relay import Subscribers


async def follow_later(container: Container, job: RunningJob) -> None:
    event = msgspec.convert(job.payload["event"], Event)
    await container.get(Subscribers)[job.payload["follower"]].handle([event])
