"""What workers do for those who wait."""

from typing import Any

import msgspec

from grome.composition import AppContext
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.jobs.runner import RunningJob
from grome.infrastructure.outbox.models import Event
from grome.waitlist.models import Search
from grome.waitlist.subscriber import FILL, payload_of


async def fill_freed_time(context: AppContext, job: RunningJob) -> None:
    """Asks so many people, and leaves the rest to a job of its own: no freed time holds up the next for long."""
    filling, payload = context.waitlist_filling, job.payload
    if "event" in payload:
        rest = await filling.react(msgspec.convert(payload["event"], Event))
    else:
        rest = await filling.fill(msgspec.convert(payload["search"], Search))
    if rest:
        await context.jobs.add(_next(rest, payload.get("first", job.id), payload.get("part", 1) + 1))


async def heal_waitlist(saq: dict[str, Any]) -> None:
    """Runs every minute."""
    context: AppContext = saq["grome"]
    minute = int(context.clock().timestamp()) // 60
    for number, rest in enumerate(await context.waitlist_filling.heal()):
        await context.jobs.add(_next(rest, f"heal:{minute}:{number}:waitlist", 2))


def _next(search: Search, first: str, part: int) -> NewJob:
    """The job that goes on behind another; `first` is the id of the one with which a search began."""
    return NewJob(f"{first}:{part}", FILL, {**payload_of(search), "first": first, "part": part})
