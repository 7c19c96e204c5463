"""What workers do with messages."""

from typing import Any, Protocol

import msgspec
from loguru import logger

from grome.notifications.dispatching import Dispatching
from grome.notifications.interfaces import RunningJob
from grome.notifications.models import Errand, Notice
from grome.notifications.reminders import Reminders
from grome.notifications.sending import Sending


class Context(Protocol):
    """What of the process's context messages need."""

    @property
    def dispatching(self) -> Dispatching: ...
    @property
    def sending(self) -> Sending: ...
    @property
    def reminders(self) -> Reminders: ...


async def dispatch(context: Context, job: RunningJob) -> None:
    """Decide on which ways somebody is told something."""
    await context.dispatching.dispatch(msgspec.convert(job.payload, Notice))


async def send(context: Context, job: RunningJob) -> None:
    """Tell it on one of them."""
    await context.sending.send(msgspec.convert(job.payload, Errand))


async def plan_reminders(job: dict[str, Any]) -> None:
    """Runs every minute and finds by itself what is due."""
    context: Context = job["grome"]
    if planned := await context.reminders.plan_due():
        logger.info("{} reminders planned", planned)
