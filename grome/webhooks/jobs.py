"""Run the jobs of webhooks."""

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.models import WEBHOOK, SendWebhook


async def send_webhook(container: Container, job: RunningJob) -> None:
    payload = msgspec.convert(job.payload, SendWebhook)
    await container.get(WebhookDeliverer).deliver(
        payload, last=job.tries > len(WEBHOOK.delays_s), asked_at=job.created_at
    )
