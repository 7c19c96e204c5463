"""Process an event of Stripe in a worker."""

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.payments.inbox.service import StripeEventProcessor


async def process_stripe_event(container: Container, job: RunningJob) -> None:
    await container.get(StripeEventProcessor).process(job.payload["event_id"])
