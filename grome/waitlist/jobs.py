"""What workers do for those who wait."""

from typing import Any

import msgspec

from grome.composition import AppContext
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.models import Event
from grome.waitlist.models import FreedTimeSearch
from grome.waitlist.subscriber import WAITLIST_JOB, payload_of


async def offer_freed_time(context: AppContext, job: RunningJob) -> None:
    """Asks so many people, and leaves the rest to a job of its own: no freed time holds up the next for long."""
    matcher, payload = context.waitlist_matcher, job.payload
    if "event" in payload:
        rest = await matcher.on_event(msgspec.convert(payload["event"], Event))
    else:
        rest = await matcher.run_search(msgspec.convert(payload["search"], FreedTimeSearch))
    if rest:
        await context.jobs.add(_continuation(rest, payload.get("first", job.id), payload.get("part", 1) + 1))


async def heal_waitlist(saq: dict[str, Any]) -> None:
    """Runs every minute."""
    context: AppContext = saq["grome"]
    minute = int(context.clock().timestamp()) // 60
    for number, search in enumerate(await context.waitlist_matcher.reconcile()):
        await context.jobs.add(_continuation(search, f"heal:{minute}:{number}:waitlist", 2))


def _continuation(search: FreedTimeSearch, first: str, part: int) -> NewJob:
    """The job that goes on behind another; `first` is the id of the one with which a search began."""
    return NewJob(f"{first}:{part}", WAITLIST_JOB, {**payload_of(search), "first": first, "part": part})
