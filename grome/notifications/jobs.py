"""Run the jobs of messages."""

from typing import Any

import msgspec
from loguru import logger

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.models import ChannelDelivery, Notification
from grome.notifications.reminders import Reminders
from grome.notifications.sender import MessageSender


async def dispatch(container: Container, job: RunningJob) -> None:
    """Select the channels of a notification."""
    await container.get(Dispatcher).dispatch(msgspec.convert(job.payload, Notification))


async def send(container: Container, job: RunningJob) -> None:
    """Send a notification on one channel."""
    await container.get(MessageSender).send(msgspec.convert(job.payload, ChannelDelivery))


async def plan_reminders(job: dict[str, Any]) -> None:
    """Add the jobs of due reminders; runs every minute."""
    container: Container = job["container"]
    if planned := await container.get(Reminders).plan_due():
        logger.info("{} reminders planned", planned)
