"""Run the jobs of messages."""

from typing import Any

import msgspec
from loguru import logger

from grome.composition import AppContext
from grome.infrastructure.jobs.runner import RunningJob
from grome.notifications.models import ChannelDelivery, Notification


async def dispatch(context: AppContext, job: RunningJob) -> None:
    """Select the channels of a notification."""
    await context.dispatcher.dispatch(msgspec.convert(job.payload, Notification))


async def send(context: AppContext, job: RunningJob) -> None:
    """Send a notification on one channel."""
    await context.message_sender.send(msgspec.convert(job.payload, ChannelDelivery))


async def plan_reminders(job: dict[str, Any]) -> None:
    """Add the jobs of due reminders; runs every minute."""
    context: AppContext = job["grome"]
    if planned := await context.reminders.plan_due():
        logger.info("{} reminders planned", planned)
