"""Claim uploaded photos for messages, link to them, and delete the photos of deleted messages."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from grome.chat.models import report_id_of
from grome.chat.repository import MessageReportRepository, MessageRepository
from grome.common.actor import Actor
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.outbox.models import Event, EventType
from grome.uploads.models import Purpose
from grome.uploads.service import UploadService

DISCARD_PHOTOS: Final = JobKind("discard_photos", Queue.BULK, 60, (10, 60, 600, 3_600, 6 * 3_600))
# Events after which nobody needs the photos of a deleted message.
_HANDLED_EVENTS: Final = frozenset({EventType.MESSAGE_DELETED, EventType.MESSAGE_REPORT_RESOLVED})


class MessagePhotos:
    def __init__(self, uploads: UploadService) -> None:
        self._uploads = uploads

    async def claim(self, actor: Actor, message_id: UUID, upload_ids: Sequence[UUID]) -> None:
        """Claim uploads of the actor for a message; a repeat changes nothing. Raises UploadRefused."""
        await self._uploads.claim(actor, upload_ids, Purpose.MESSAGE, message_id)

    async def links(self, upload_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return a signed link, which works for ten minutes, for each existing photo."""
        if not upload_ids:
            return {}
        found = await self._uploads.find_many(upload_ids)
        return {upload.id: await self._uploads.link(upload) for upload in found.values()}


class PhotoCleanup:
    """Deletes the photos of deleted messages by jobs. Adding a job again has no effect, so redelivery is harmless."""

    def __init__(
        self, messages: MessageRepository, reports: MessageReportRepository, uploads: UploadService, jobs: JobQueue
    ) -> None:
        self._messages, self._reports, self._uploads, self._jobs = messages, reports, uploads, jobs

    async def handle(self, events: Sequence[Event]) -> None:
        await self._jobs.add(
            *(
                NewJob(f"{event.id}:photos", DISCARD_PHOTOS, {"message_id": str(event.item_id)})
                for event in events
                if event.type in _HANDLED_EVENTS
            )
        )

    async def discard(self, message_id: UUID) -> None:
        """Delete the photos of a message if it was deleted. The photos of an open report stay until its decision."""
        report = await self._reports.find(report_id_of(message_id))
        if report and report.decision is None:
            return
        if any(message.deleted_at for message in await self._messages.find_many([message_id])):
            await self._uploads.discard(message_id)
