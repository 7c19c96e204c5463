"""What workers do for those who wait."""

from typing import Any

import msgspec

from grome.context import AppContext
from grome.events.models import Event
from grome.jobs.running import RunningJob


async def fill_freed_time(context: AppContext, job: RunningJob) -> None:
    await context.waitlist_filling.react(msgspec.convert(job.payload["event"], Event))


async def heal_waitlist(saq: dict[str, Any]) -> None:
    """Runs every minute."""
    context: AppContext = saq["grome"]
    await context.waitlist_filling.heal()
