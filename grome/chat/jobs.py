"""Jobs of the chat."""

from uuid import UUID

from grome.chat.photos import PhotoCleanup
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.runner import RunningJob


async def discard_photos(container: Container, job: RunningJob) -> None:
    """Delete the photos of a deleted message."""
    await container.get(PhotoCleanup).discard(UUID(job.payload["message_id"]))
