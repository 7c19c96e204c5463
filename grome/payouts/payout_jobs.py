"""Add the jobs of payouts with something to do at Stripe."""

from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob, State
from grome.payouts.models import SEND_PAYOUT, Payout


class PayoutJobs:
    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def ensure(self, payout: Payout) -> None:
        """Add the job of an open payout in its current version, or retry the job if it has given up."""
        new = NewJob(f"payout:{payout.id}:{payout.version}", SEND_PAYOUT, {"payout_id": str(payout.id)})
        job = await self._jobs.find(new.id)
        if job is None:
            await self._jobs.add(new)
        elif job.state is State.DEAD:
            await self._jobs.retry(new.id)
