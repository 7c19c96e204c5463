"""Jobs of payouts."""

from typing import Any
from uuid import UUID

from loguru import logger

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob
from grome.payouts.planner import PayoutPlanner
from grome.payouts.sender import PayoutSender


async def send_payout(container: Container, job: RunningJob) -> None:
    """Transfer a payout at Stripe; a repeat has no further effect."""
    await container.get(PayoutSender).send(UUID(job.payload["payout_id"]))


async def plan_payouts(saq: dict[str, Any]) -> None:
    """Decide the payouts that are due, and resume payouts that are not transferred; runs every ten minutes."""
    container: Container = saq["container"]
    if not container.settings.stripe.secret_key:
        return
    tally = await container.get(PayoutPlanner).plan()
    if tally.done or tally.failed:
        logger.info("Payouts were planned or resumed for {} barbers; {} failed", tally.done, tally.failed)
