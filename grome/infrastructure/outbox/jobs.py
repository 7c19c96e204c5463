"""Events that were set aside for a follower."""

import msgspec

from grome.composition import AppContext
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.models import Event


async def follow_later(context: AppContext, job: RunningJob) -> None:
    event = msgspec.convert(job.payload["event"], Event)
    await context.followers[job.payload["follower"]].handle([event])
