"""Claim the uploaded documents of verifications, link to them, and delete them when nobody needs them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Sweep
from grome.uploads.models import UNNEEDED_LIFE, Purpose
from grome.uploads.service import UploadService
from grome.verification.models import State, Verification
from grome.verification.repository import VerificationRepository
from grome.verification.schemas import DocumentOut

_BATCH_SIZE: Final = 100
_DECIDED: Final = frozenset({State.APPROVED, State.REJECTED})


class VerificationDocuments:
    """Documents are private: only links of ten minutes, for the barber and for admins, lead to them.

    They are deleted `kept_for` after an approval or a rejection.
    """

    def __init__(
        self, verifications: VerificationRepository, uploads: UploadService, kept_for: timedelta, clock: Clock
    ) -> None:
        self._verifications, self._uploads = verifications, uploads
        self._kept_for, self._clock = kept_for, clock
        self._untidy = Sweep[Verification](
            "verification documents",
            lambda after, limit: verifications.list_untidy(clock(), after.id if after else None, limit),
            _BATCH_SIZE,
        )

    async def claim(self, actor: Actor, upload_ids: Sequence[UUID]) -> None:
        """Claim uploads for the actor's verification; a repeat changes nothing. Raises UploadRefused.

        Uploads that no submission uses after all, e.g. because the process died, are deleted later.
        """
        await self._verifications.mark_begun(actor.id, self._clock() + UNNEEDED_LIFE)
        await self._uploads.claim(actor, upload_ids, Purpose.VERIFICATION, actor.id)

    async def links(self, verification: Verification) -> dict[UUID, DocumentOut]:
        """Return each existing document with a link."""
        found = await self._uploads.find_many(verification.documents)
        return {
            one.id: DocumentOut(one.id, await self._uploads.link(one), one.images[0].width, one.images[0].height)
            for one in found.values()
        }

    def due_after_decision(self, verification: Verification, decided_at: datetime) -> datetime:
        """Return the time at which an upload of a decided verification may be deleted first."""
        due = decided_at + self._kept_for
        return min(due, verification.tidy_at) if verification.tidy_at else due

    async def remove_old(self) -> None:
        """Delete replaced documents, and documents of which the time after the decision is over."""
        await self._untidy.run(self._tidy)

    async def _tidy(self, verification: Verification) -> None:
        now, decided_at = self._clock(), verification.decided_at
        due = decided_at + self._kept_for if decided_at and verification.state in _DECIDED else None
        keeps = due is None or due > now
        # The verification first: if the deletion is interrupted, the next run finds it by `tidy_at` again.
        if await self._verifications.mark_tidied(verification, now, keeps=keeps):
            needed = verification.documents if keeps else ()
            is_tidy = await self._uploads.discard_unneeded(verification.id, needed, now - UNNEEDED_LIFE)
            again_at = (due if keeps else None) if is_tidy else now + UNNEEDED_LIFE
            await self._verifications.mark_tidied(verification, again_at, keeps=keeps)
