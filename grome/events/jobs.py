"""Events that were set aside for a follower."""

import msgspec

from grome.context import AppContext
from grome.events.models import Event
from grome.jobs.running import RunningJob


async def follow_later(context: AppContext, job: RunningJob) -> None:
    event = msgspec.convert(job.payload["event"], Event)
    await context.followers[job.payload["follower"]].follow([event])
