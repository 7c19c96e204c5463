"""Jobs of the waitlist."""

from typing import Any

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.models import Event
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import FreedTimeSearch
from grome.waitlist.subscriber import WAITLIST_JOB, payload_of


async def offer_freed_time(container: Container, job: RunningJob) -> None:
    """Offer freed time to a limited number of entries, and add a job that continues behind them.

    So a long waitlist of one barber does not delay the jobs of other barbers.
    """
    matcher, payload = container.get(WaitlistMatcher), job.payload
    if "event" in payload:
        rest = await matcher.on_event(msgspec.convert(payload["event"], Event))
    else:
        rest = await matcher.run_search(msgspec.convert(payload["search"], FreedTimeSearch))
    if rest:
        await container.get(JobQueue).add(_continuation(rest, payload.get("first", job.id), payload.get("part", 1) + 1))


async def heal_waitlist(saq: dict[str, Any]) -> None:
    """Repair missed waitlist work; runs every minute."""
    container: Container = saq["container"]
    minute = int(container.clock().timestamp()) // 60
    for number, search in enumerate(await container.get(WaitlistMatcher).reconcile()):
        await container.get(JobQueue).add(_continuation(search, f"heal:{minute}:{number}:waitlist", 2))


def _continuation(search: FreedTimeSearch, first: str, part: int) -> NewJob:
    """Return the job that continues a search; `first` is the id of the job that began the search."""
    return NewJob(f"{first}:{part}", WAITLIST_JOB, {**payload_of(search), "first": first, "part": part})
