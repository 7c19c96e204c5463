"""Hand out forms for uploads, claim uploaded files as images, link to them, and remove files that nothing uses."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Unavailable
from grome.common.ids import new_id
from grome.common.input_faults import refusal_of
from grome.infrastructure.images.encoder import ImageEncoder, ImageRefusedError
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
    SIDES,
    UNCLAIMED_LIFE,
    ContentType,
    Purpose,
    State,
    StoredImage,
    Upload,
)
from grome.uploads.repository import UploadRepository
from grome.uploads.schemas import UploadIn, UploadOut
from grome.uploads.sniffing import SNIFFED_BYTES, sniff

UPLOAD_BUDGET: Final = Budget("uploads of a person", 100, timedelta(days=1))
_BATCH_SIZE: Final = 200
_USED = "is used already"


class UploadService:
    def __init__(
        self, uploads: UploadRepository, storage: Storage, encoder: ImageEncoder, budgets: Budgets, clock: Clock
    ) -> None:
        self._uploads, self._storage, self._encoder = uploads, storage, encoder
        self._budgets, self._clock = budgets, clock
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
        faults = []
        if body.content_type not in ALLOWED_TYPES[body.purpose]:
            faults.append(("content_type", f"is not allowed for {body.purpose.value}"))
        if body.size > MAX_BYTES[body.purpose]:
            faults.append(("size", f"is more than {MAX_BYTES[body.purpose]} bytes"))
        if faults:
            raise refusal_of(faults)
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
        uses them. The file is re-encoded as JPEG images, and deleted. Raises UploadRefused for an upload that is
        missing, of another owner or purpose, expired, used elsewhere, without a file, or with a file that cannot be
        read or has another size or type than announced; no upload is then claimed. Raises Unavailable if too many files
        wait.
        """
        found = await self._uploads.find_owned(actor.id, upload_ids)
        uploads = [
            self._checked(upload_id, found.get(upload_id), purpose, used_by) for upload_id in dict.fromkeys(upload_ids)
        ]
        images = {one.id: await self._encode(one, used_by) for one in uploads if one.state is State.PENDING}
        return [await self._mark_claimed(one, images.get(one.id, []), used_by) for one in uploads]

    async def find_many(self, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
        """Return claimed uploads by id, of any owner: the caller has checked the rights."""
        found = await self._uploads.find_many(upload_ids)
        return {one.id: one for one in found.values() if one.state is State.CLAIMED}

    async def link(self, upload: Upload) -> str:
        """Return a URL at which any holder can download the file of a claimed upload for ten minutes."""
        if upload.file_key is None:
            raise UploadRefused(upload.id, "is not used yet")
        seconds = int(LINK_LIFE.total_seconds())
        return await self._storage.signed_url(upload.file_key, seconds, upload.download_name, upload.stored_type.value)

    async def discard(self, used_by: UUID) -> None:
        """Delete the uploads, with their files, of a thing that was deleted. A repeat is harmless."""
        for upload in await self._uploads.list_used_by(used_by, _BATCH_SIZE):
            for key in upload.stored_keys:
                await self._storage.delete(key)
            await self._uploads.remove(upload.id)

    async def discard_many(self, used_by: UUID, upload_ids: Collection[UUID]) -> None:
        """Delete single uploads of a thing, with their files. A repeat is harmless."""
        for upload in (await self._uploads.find_many(upload_ids)).values():
            if upload.used_by == used_by:
                await self.erase(upload)

    async def discard_unneeded(self, used_by: UUID, needed: Collection[UUID], before: datetime) -> bool:
        """Delete the uploads of a thing that it no longer needs and that are older than `before`.

        Returns False if younger uploads are left that are not needed.
        """
        is_tidy = True
        for upload in await self._uploads.list_used_by(used_by, _BATCH_SIZE):
            if upload.id in needed:
                continue
            if upload.created_at < before:
                await self.erase(upload)
            else:
                is_tidy = False
        return is_tidy

    async def iter_owned(self, owner_id: UUID) -> AsyncIterator[Upload]:
        """Yield the uploads of a person in any state."""
        after: UUID | None = None
        while page := await self._uploads.list_owned(owner_id, after, _BATCH_SIZE):
            for upload in page:
                yield upload
            after = page[-1].id

    async def erase(self, upload: Upload) -> None:
        """Delete an upload in any state with all of its files. A repeat is harmless."""
        for key in upload.all_keys:
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

    async def _encode(self, upload: Upload, used_by: UUID) -> list[StoredImage]:
        """Store the images of the incoming file, under keys of this claim.

        Returns no image if another request has claimed the upload for the same thing meanwhile.
        """
        begun = await self._uploads.begin_copy(upload.owner_id, upload.id)
        if begun is None:
            await self._find_claimed(upload, used_by, "is used already, or was tried too often")
            return []
        try:
            encoded = await self._encoder.encode(
                self._incoming(upload), upload.content_type.value, SIDES[upload.purpose]
            )
        except ImageRefusedError as error:
            raise UploadRefused(upload.id, error.refusal.value) from None
        except MissingFileError:
            await self._find_claimed(upload, used_by, "has no file yet")
            return []
        keys = upload.image_keys(begun.copies)
        for key, image in zip(keys, encoded, strict=True):
            if upload.purpose is Purpose.PHOTO:
                await self._storage.put_public(key, image.content, ContentType.JPEG.value)
            else:
                await self._storage.put(key, _iter_once(image.content))
        return [StoredImage(key, one.width, one.height) for key, one in zip(keys, encoded, strict=True)]

    async def _incoming(self, upload: Upload) -> AsyncGenerator[bytes]:
        """Yield the incoming file. Raises UploadRefused for a file of another size or type than announced."""
        beginning = b""
        async with self._storage.open(upload.incoming_key) as file:
            if file.size != upload.size:
                raise UploadRefused(upload.id, f"has a file of {file.size} bytes, not of {upload.size}")
            async for chunk in file.chunks:
                if len(beginning) >= SNIFFED_BYTES:
                    yield chunk
                    continue
                beginning += chunk
                if len(beginning) >= SNIFFED_BYTES:
                    self._check_type(upload, beginning)
                    yield beginning
        self._check_type(upload, beginning)

    @staticmethod
    def _check_type(upload: Upload, beginning: bytes) -> None:
        announced = upload.content_type
        if sniff(beginning) is not announced:
            raise UploadRefused(upload.id, f"has a file that is not {announced.value}")

    async def _mark_claimed(self, upload: Upload, images: list[StoredImage], used_by: UUID) -> Upload:
        claimed = await self._uploads.mark_claimed(upload, images, used_by) if images else None
        if claimed is None:
            for image in images:
                await self._storage.delete(image.key)
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
        """Delete the incoming file, and the images of all claims but the one that succeeded."""
        with suppress(Unavailable):  # the upload is claimed or gone already
            for key in upload.all_keys - upload.stored_keys:
                await self._storage.delete(key)

    async def _delete_stray(self, keys: Sequence[str]) -> None:
        pending = {one.incoming_key for one in await self._uploads.list_pending(map(_id_of, keys))}
        for key in set(keys) - pending:
            await self._storage.delete(key)


async def _iter_once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


def _id_of(incoming_key: str) -> UUID:
    return UUID(hex=incoming_key.removeprefix(INCOMING))
