"""Store uploads in MongoDB. A unique index on the slots bounds the unclaimed uploads of a person."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from pymongo import IndexModel, ReturnDocument

from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.uploads.errors import TooManyUploads
from grome.uploads.models import MAX_CLAIMS, MAX_UNCLAIMED, State, StoredImage, Upload

# A cron removes expired uploads together with their files; the database removes the documents that it left.
_REMOVAL_GRACE: Final = timedelta(days=7)
COLLECTION = CollectionSpec(
    "uploads",
    validator_for(Upload),
    [
        IndexModel(
            [("owner_id", 1), ("slot", 1)],
            name="slot",
            unique=True,
            partialFilterExpression={"slot": {"$type": "number"}},
        ),
        IndexModel([("owner_id", 1), ("_id", 1)], name="owner"),
        IndexModel("expires_at", name="expiry", expireAfterSeconds=int(_REMOVAL_GRACE.total_seconds())),
        IndexModel("used_by", name="used_by", partialFilterExpression={"used_by": {"$type": "binData"}}),
    ],
)


class UploadRepository:
    def __init__(self, database: Database) -> None:
        self._uploads = database[COLLECTION.name]

    async def add(self, upload: Upload) -> None:
        """Store a pending upload in a free slot. Raises TooManyUploads if its owner has none."""
        slot = await insert_with_free_number(
            self._uploads,
            lambda slot: to_document(msgspec.structs.replace(upload, slot=slot)),
            owner={"owner_id": upload.owner_id, "slot": {"$type": "number"}},
            field="slot",
            limit=MAX_UNCLAIMED,
        )
        if slot is None:
            raise TooManyUploads

    async def find_owned(self, owner_id: UUID, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
        found = self._uploads.find({"_id": {"$in": list(upload_ids)}, "owner_id": owner_id})
        return {one.id: one async for document in found for one in (from_document(document, Upload),)}

    async def find_many(self, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
        found = self._uploads.find({"_id": {"$in": list(upload_ids)}})
        return {one.id: one async for document in found for one in (from_document(document, Upload),)}

    async def begin_copy(self, owner_id: UUID, upload_id: UUID) -> Upload | None:
        """Count a copy of a pending upload. Returns None if it is claimed, or was copied too often."""
        document = await self._uploads.find_one_and_update(
            {
                "_id": upload_id,
                "owner_id": owner_id,
                "state": State.PENDING.value,
                "copies": {"$lt": MAX_CLAIMS},
            },
            {"$inc": {"copies": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Upload) if document else None

    async def mark_claimed(self, upload: Upload, images: Sequence[StoredImage], used_by: UUID) -> Upload | None:
        """Mark a pending upload as claimed. Returns None if it was claimed or removed meanwhile."""
        claimed = {
            "state": State.CLAIMED.value,
            "file_key": images[0].key,
            "images": msgspec.to_builtins(images),
            "used_by": used_by,
        }
        document = await self._uploads.find_one_and_update(
            {"_id": upload.id, "owner_id": upload.owner_id, "state": State.PENDING.value},
            {"$set": {**claimed, "slot": None, "expires_at": None}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Upload) if document else None

    async def list_expired(self, now: datetime, after: UUID | None, limit: int) -> list[Upload]:
        """List pending uploads that have expired, oldest first."""
        behind = {"_id": {"$gt": after}} if after else {}
        expired = {"state": State.PENDING.value, "expires_at": {"$lte": now}}
        found = self._uploads.find({**expired, **behind}).sort("_id", 1).limit(limit)
        return [from_document(document, Upload) async for document in found]

    async def list_used_by(self, used_by: UUID, limit: int) -> list[Upload]:
        found = self._uploads.find({"used_by": used_by}).limit(limit)
        return [from_document(document, Upload) async for document in found]

    async def list_owned(self, owner_id: UUID, after: UUID | None, limit: int) -> list[Upload]:
        """List uploads of a person in any state, oldest first."""
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._uploads.find({"owner_id": owner_id, **behind}).sort("_id", 1).limit(limit)
        return [from_document(document, Upload) async for document in found]

    async def list_pending(self, upload_ids: Iterable[UUID]) -> list[Upload]:
        found = self._uploads.find({"_id": {"$in": list(upload_ids)}, "state": State.PENDING.value})
        return [from_document(document, Upload) async for document in found]

    async def remove_pending(self, upload_id: UUID) -> Upload | None:
        """Remove an upload. Returns None if it is claimed or gone."""
        document = await self._uploads.find_one_and_delete({"_id": upload_id, "state": State.PENDING.value})
        return from_document(document, Upload) if document else None

    async def remove(self, upload_id: UUID) -> None:
        await self._uploads.delete_one({"_id": upload_id})
