"""Hand out forms for uploads, claim uploaded files, link to them, and remove files that nothing uses."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Invalid, Unavailable
from grome.common.ids import new_id
from grome.infrastructure.isolated_items import Sweep
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.storage.protocol import MissingFileError, Storage
from grome.uploads.errors import UploadRefused
from grome.uploads.models import (
    ALLOWED_TYPES,
    FORM_LIFE,
    INCOMING,
    LINK_LIFE,
    MAX_BYTES,
    UNCLAIMED_LIFE,
    Purpose,
    State,
    Upload,
)
from grome.uploads.repository import UploadRepository
from grome.uploads.schemas import UploadIn, UploadOut
from grome.uploads.sniffing import SNIFFED_BYTES, sniff

UPLOAD_BUDGET: Final = Budget("uploads of a person", 100, timedelta(days=1))
_BATCH_SIZE: Final = 200
_USED = "is used already"


class UploadService:
    def __init__(self, uploads: UploadRepository, storage: Storage, budgets: Budgets, clock: Clock) -> None:
        self._uploads, self._storage, self._budgets, self._clock = uploads, storage, budgets, clock
        self._expired = Sweep[Upload](
            "remove_uploads",
            lambda after, limit: uploads.list_expired(clock(), after.id if after else None, limit),
            _BATCH_SIZE,
        )

    async def create(self, actor: Actor, body: UploadIn) -> UploadOut:
        """Store a pending upload and return the form for its file.

        Raises Invalid for a type or size that the purpose does not allow, TooManyUploads, and TooManyRequests beyond
        100 uploads of a person in a day.
        """
        if body.content_type not in ALLOWED_TYPES[body.purpose]:
            raise Invalid("content_type", f"is not allowed for {body.purpose.value}")
        if body.size > MAX_BYTES[body.purpose]:
            raise Invalid("size", f"is more than {MAX_BYTES[body.purpose]} bytes")
        await self._budgets.spend(UPLOAD_BUDGET, str(actor.id))
        now = self._clock()
        expires_at = now + UNCLAIMED_LIFE
        upload = Upload(
            id=new_id(),
            owner_id=actor.id,
            purpose=body.purpose,
            content_type=body.content_type,
            size=body.size,
            state=State.PENDING,
            slot=None,
            created_at=now,
            expires_at=expires_at,
        )
        await self._uploads.add(upload)
        seconds = int(FORM_LIFE.total_seconds())
        form = await self._storage.upload_form(upload.incoming_key, upload.size, upload.content_type.value, seconds)
        return UploadOut(upload.id, form.url, form.fields, now + FORM_LIFE, expires_at)

    async def claim(self, actor: Actor, upload_ids: Sequence[UUID], purpose: Purpose, used_by: UUID) -> list[Upload]:
        """Claim uploads of the actor for the thing with the id `used_by`, and return each once, in the given order.

        A repeat with the same `used_by` returns the same uploads, so the claim comes before the write of the thing that
        uses them. Raises UploadRefused for an upload that is missing, of another owner or purpose, expired, used
        elsewhere, without a file, or with a file of another size or type than announced; no upload is then claimed.
        """
        found = await self._uploads.find_owned(actor.id, upload_ids)
        uploads = [
            self._checked(upload_id, found.get(upload_id), purpose, used_by) for upload_id in dict.fromkeys(upload_ids)
        ]
        copies = {one.id: await self._copy(one, used_by) for one in uploads if one.state is State.PENDING}
        return [await self._mark_claimed(one, copies.get(one.id), used_by) for one in uploads]

    async def find_many(self, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
        """Return claimed uploads by id, of any owner: the caller has checked the rights."""
        found = await self._uploads.find_many(upload_ids)
        return {one.id: one for one in found.values() if one.state is State.CLAIMED}

    async def link(self, upload: Upload) -> str:
        """Return a URL at which any holder can download the file of a claimed upload for ten minutes."""
        if upload.file_key is None:
            raise UploadRefused(upload.id, "is not used yet")
        seconds = int(LINK_LIFE.total_seconds())
        return await self._storage.signed_url(upload.file_key, seconds, upload.download_name, upload.content_type.value)

    async def discard(self, used_by: UUID) -> None:
        """Delete the uploads, with their files, of a thing that was deleted. A repeat is harmless."""
        for upload in await self._uploads.list_used_by(used_by, _BATCH_SIZE):
            if upload.file_key is not None:
                await self._storage.delete(upload.file_key)
            await self._uploads.remove(upload.id)

    async def iter_owned(self, owner_id: UUID) -> AsyncIterator[Upload]:
        """Yield the uploads of a person in any state."""
        after: UUID | None = None
        while page := await self._uploads.list_owned(owner_id, after, _BATCH_SIZE):
            for upload in page:
                yield upload
            after = page[-1].id

    async def erase(self, upload: Upload) -> None:
        """Delete an upload in any state with all of its files. A repeat is harmless."""
        copies = (upload.copy_key(number + 1) for number in range(upload.copies))
        for key in {upload.incoming_key, *copies, *([upload.file_key] if upload.file_key else [])}:
            await self._storage.delete(key)
        await self._uploads.remove(upload.id)

    async def remove_unused(self) -> None:
        """Remove expired uploads, and incoming files that belong to no pending upload."""
        await self._expired.run(self._remove)
        keys: list[str] = []
        async for key in self._storage.keys(INCOMING):
            keys.append(key)
            if len(keys) == _BATCH_SIZE:
                await self._delete_stray(keys)
                keys = []
        await self._delete_stray(keys)

    def _checked(self, upload_id: UUID, upload: Upload | None, purpose: Purpose, used_by: UUID) -> Upload:
        if upload is None:
            raise UploadRefused(upload_id, "does not exist, or is not yours")
        if upload.purpose is not purpose:
            raise UploadRefused(upload_id, f"is for {upload.purpose.value}, not for {purpose.value}")
        if upload.state is State.CLAIMED and upload.used_by != used_by:
            raise UploadRefused(upload_id, _USED)
        if upload.expires_at is not None and upload.expires_at <= self._clock():
            raise UploadRefused(upload_id, "has expired")
        return upload

    async def _copy(self, upload: Upload, used_by: UUID) -> str | None:
        """Copy the incoming file, which the holder of the form can replace, and check the copy; return its key.

        Returns None if another request has claimed the upload for the same thing meanwhile.
        """
        begun = await self._uploads.begin_copy(upload.owner_id, upload.id)
        if begun is None:
            await self._find_claimed(upload, used_by, "is used already, or was tried too often")
            return None
        key = upload.copy_key(begun.copies)
        try:
            await self._storage.copy(upload.incoming_key, key)
            fault = await self._fault_of(upload, key)
        except MissingFileError:
            await self._find_claimed(upload, used_by, "has no file yet")
            return None
        if fault:
            await self._storage.delete(key)
            raise UploadRefused(upload.id, fault)
        return key

    async def _fault_of(self, upload: Upload, key: str) -> str | None:
        beginning = b""
        async with self._storage.open(key) as file:
            if file.size != upload.size:
                return f"has a file of {file.size} bytes, not of {upload.size}"
            async for chunk in file.chunks:
                beginning += chunk
                if len(beginning) >= SNIFFED_BYTES:
                    break
        announced = upload.content_type
        return None if sniff(beginning) is announced else f"has a file that is not {announced.value}"

    async def _mark_claimed(self, upload: Upload, key: str | None, used_by: UUID) -> Upload:
        claimed = await self._uploads.mark_claimed(upload, key, used_by) if key else None
        if claimed is None:
            if key:
                await self._storage.delete(key)
            return await self._find_claimed(upload, used_by, _USED)
        await self._delete_files_of(claimed)
        return claimed

    async def _find_claimed(self, upload: Upload, used_by: UUID, reason: str) -> Upload:
        """Return the upload as claimed for `used_by`. Raises UploadRefused with this reason for any other state."""
        now = (await self._uploads.find_owned(upload.owner_id, [upload.id])).get(upload.id)
        if now is None or now.used_by != used_by:
            raise UploadRefused(upload.id, reason)
        return now

    async def _remove(self, upload: Upload) -> None:
        # The document first: a claim under way then fails, and deletes its own copy.
        if gone := await self._uploads.remove_pending(upload.id):
            await self._delete_files_of(gone)

    async def _delete_files_of(self, upload: Upload) -> None:
        """Delete the incoming file and the copies except the claimed file."""
        keys = {upload.incoming_key, *(upload.copy_key(number + 1) for number in range(upload.copies))}
        with suppress(Unavailable):  # the upload is claimed or gone already
            for key in keys - {upload.file_key}:
                await self._storage.delete(key)

    async def _delete_stray(self, keys: Sequence[str]) -> None:
        pending = {one.incoming_key for one in await self._uploads.list_pending(map(_id_of, keys))}
        for key in set(keys) - pending:
            await self._storage.delete(key)


def _id_of(incoming_key: str) -> UUID:
    return UUID(hex=incoming_key.removeprefix(INCOMING))
