"""Run the jobs of webhooks."""

import msgspec

from grome.composition import AppContext
from grome.infrastructure.jobs.runner import RunningJob
from grome.webhooks.models import WEBHOOK, SendWebhook


async def send_webhook(context: AppContext, job: RunningJob) -> None:
    payload = msgspec.convert(job.payload, SendWebhook)
    await context.webhook_deliverer.deliver(payload, last=job.tries > len(WEBHOOK.delays_s), asked_at=job.created_at)
