"""Run the jobs of webhooks."""

from typing import Any

import msgspec
from loguru import logger

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.models import WEBHOOK, SendWebhook
from grome.webhooks.service import WebhookService


async def reseal_webhook_secrets(job: dict[str, Any]) -> None:
    """Seal secrets of endpoints by the current secrets key; runs daily."""
    container: Container = job["container"]
    if count := await container.get(WebhookService).reseal_secrets():
        logger.info("The secrets of {} webhook endpoints were sealed by the current key", count)


async def send_webhook(container: Container, job: RunningJob) -> None:
    payload = msgspec.convert(job.payload, SendWebhook)
    await container.get(WebhookDeliverer).deliver(
        payload, last=job.tries > len(WEBHOOK.delays_s), asked_at=job.created_at
    )
