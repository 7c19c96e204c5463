"""Notify owners of webhook endpoints when an endpoint fails for long, and when it is disabled."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from loguru import logger

from grome.infrastructure.jobs.job_queue import JobQueue
from grome.notifications.models import MessageKind, Notification
from grome.notifications.planner import notification_jobs
from grome.webhooks.models import Endpoint


class EndpointNotices:
    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    async def notify_owner(self, endpoint: Endpoint, at: datetime) -> None:
        """Add a notification to the owner, once for each endpoint and time.

        Failures of the platform's endpoints are only logged.
        """
        if endpoint.owner_id is None:
            state = "is disabled" if endpoint.disabled else "keeps failing"
            logger.warning("The platform's webhook endpoint {} {}", endpoint.id, state)
            return
        notification = Notification(
            event_id=uuid5(NAMESPACE_URL, f"{endpoint.id}:failing:{at.isoformat()}"),
            kind=MessageKind.WEBHOOK_FAILING,
            user_id=endpoint.owner_id,
            subject_id=endpoint.id,
            at=at,
            version=0,
        )
        await self._jobs.add(*notification_jobs([notification]))
